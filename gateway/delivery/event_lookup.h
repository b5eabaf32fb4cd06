#ifndef ONHOOK_GATEWAY_DELIVERY_EVENT_LOOKUP_H_
#define ONHOOK_GATEWAY_DELIVERY_EVENT_LOOKUP_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/store.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// Answers GetEvent and ListEvents from the store: with timelines for an event and for a call. A
// page of a time range has none: it would cost a look-up for each event and subscription.
//
// Threads: any. Blocking: never; `done` comes from the caller's thread or one of the engine's. A
// `response` must live until `done`, and is complete when that gets OK.
class EventLookup {
 public:
  using Done = std::function<void(absl::Status)>;

  // `store` must outlive the lookup.
  explicit EventLookup(Store* store) : store_(store) {}

  // With its raw_body, if that is kept. Errors: kInvalidArgument (no event_id), kNotFound,
  // kDataLoss (stored, but the event or its body is no longer readable), and EventLog's.
  void Get(const v1::GetEventRequest& request, v1::GetEventResponse* response, Done done) const;

  // A page holds as many events as asked for, or about kMaxPageBytes. Corrupt events are left out.
  // Errors: kInvalidArgument, kFailedPrecondition (a page_token of another store), and EventLog's.
  void List(const v1::ListEventsRequest& request, v1::ListEventsResponse* response,
            Done done) const;

  // Half of what gRPC clients take by default.
  static constexpr size_t kMaxPageBytes = 2 << 20;

 private:
  absl::StatusOr<EventQuery> QueryOf(const v1::ListEventsRequest& request) const;
  // kDataLoss if it is corrupt.
  absl::Status Fill(const LogEvent& event, v1::StoredEvent& stored) const;

  Store* const store_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_EVENT_LOOKUP_H_
