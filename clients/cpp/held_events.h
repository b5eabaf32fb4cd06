#ifndef ONHOOK_CLIENTS_CPP_HELD_EVENTS_H_
#define ONHOOK_CLIENTS_CPP_HELD_EVENTS_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/subscriber_stream.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

// The events that a subscriber has: those that wait for a handler, in the order they came, and
// those that are in one; and of each the newest delivery.
//
// Why: an event whose handler outlives its stream comes again on the next one. It must not be
// handled twice at once, and its settlement must name the delivery that the gateway now waits for.
//
// Threads: one at a time. Blocking: never; no stream is called. Errors: none.
class HeldEvents {
 public:
  // One delivery and the stream that it came on.
  struct Work {
    std::shared_ptr<SubscriberStream> stream;
    v1::Delivery delivery;
  };
  // Where a settlement belongs.
  struct Place {
    std::shared_ptr<SubscriberStream> stream;
    std::string delivery_id;
  };

  bool Has(absl::string_view event_id) const { return places_.contains(event_id); }
  bool HasWaiting() const { return !waiting_.empty(); }
  bool HasBegun() const { return places_.size() > waiting_.size(); }

  // Lets `work` wait as the last. If its event is here already, `work` takes the place of the
  // delivery before, which is returned and is not to be settled any more; nothing more waits then.
  std::optional<Place> Take(Work work);

  // The one that waits longest, now in a handler. To be called if HasWaiting.
  Work Begin();

  // By what an event is known now; null: it is not here.
  const Place* Find(absl::string_view event_id) const;

  // The event's handler has returned: by what to settle it. To be called once after Begin. Nothing:
  // it was given back meanwhile.
  std::optional<Place> End(absl::string_view event_id);

  // All that wait; none waits then.
  std::deque<Work> TakeWaiting();

  // All that are in a handler; none is then.
  std::vector<std::pair<std::string, Place>> TakeBegun();

  // `stream` has ended: forgets what waits of it. What is in a handler stays.
  void DropWaiting(const SubscriberStream* stream);

 private:
  std::deque<Work> waiting_;
  // By event_id: of those that wait, and of those in a handler.
  absl::flat_hash_map<std::string, Place> places_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_HELD_EVENTS_H_
