#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_TIMELINE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_TIMELINE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/store/embedded/subscription_rows.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// How rows become what people read. Pure functions. Threads: any. Blocking: never.

void AddTimelineEntry(v1::SubscriptionTimeline& timeline, v1::TimelineEntry::Kind kind,
                      absl::Time at, absl::string_view consumer_name, int32_t attempt,
                      absl::string_view reason);

// Adds what the rows of one event tell.
void AddRows(const EventRows& rows, v1::SubscriptionTimeline& timeline);

// Puts the entries in order of time; what happened at the same instant stays in its order.
void SortEntries(v1::SubscriptionTimeline& timeline);

// What a settled event is, by its rows: acknowledged unless they say otherwise.
v1::SubscriptionTimeline::State SettledState(const EventRows& rows);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_TIMELINE_H_
