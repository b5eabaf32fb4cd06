#ifndef ONHOOK_GATEWAY_DELIVERY_TIMELINE_GATHERING_H_
#define ONHOOK_GATEWAY_DELIVERY_TIMELINE_GATHERING_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "gateway/store/store.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// An answer's event, and the place in the log that it came from.
struct TimelineWish {
  Sequence sequence = 0;
  v1::StoredEvent* stored_event = nullptr;
};

// Adds to each event what became of it in every subscription that ever owed it, by name. One
// look-up is under way at a time. Never blocks; `done` comes from the caller's thread or the
// engine's, with the first error; `wishes` point into what must live until then.
void GatherTimelines(Store& store, std::vector<TimelineWish> wishes,
                     std::function<void(absl::Status)> done);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_TIMELINE_GATHERING_H_
