#ifndef ONHOOK_CLIENTS_CPP_DELIVERY_LEASES_H_
#define ONHOOK_CLIENTS_CPP_DELIVERY_LEASES_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

// Decides when the deliveries of one stream need more time, and how much to ask for.
//
// A delivery is extended when half its time is over, by its whole deadline, again and again until
// it is removed or `max_extension` has passed since it came; then the gateway gives it to somebody
// else. Those that are due within a moment of each other go into one request.
//
// Pure: time comes in with each call. Threads: one at a time. Blocking: never. Errors: none.
class DeliveryLeases {
 public:
  // Not positive: nothing is ever extended.
  explicit DeliveryLeases(absl::Duration max_extension) : max_extension_(max_extension) {}

  // `delivery` came. One without a deadline needs no extension.
  void Add(const v1::Delivery& delivery, absl::Time now);

  // It is settled, given up, or lost to somebody else. Unknown ids are ignored.
  void Remove(absl::string_view delivery_id);

  // The gateway could not extend it just now: it is due again at `time`.
  void Postpone(absl::string_view delivery_id, absl::Time time);

  // Its whole deadline was made `ack_deadline`, counted from `now`: it is not extended by less, nor
  // before half of that is over.
  void Lengthen(absl::string_view delivery_id, absl::Duration ack_deadline, absl::Time now);

  // What to ask for in one request; no ids: nothing is due.
  struct Extension {
    absl::Duration ack_deadline;
    std::vector<std::string> delivery_ids;
  };

  // At most `most` deliveries that are due by `now`, each of which is due again after half the
  // deadline asked for. To be called until nothing is due.
  Extension TakeDue(absl::Time now, size_t most);

  // When to call TakeDue next; never earlier than something is due, maybe earlier than needed.
  absl::Time next_due() const { return next_due_; }

 private:
  struct Lease {
    absl::Duration ack_deadline;
    absl::Time due;
    absl::Time last;  // no extension may be asked for after this
  };

  const absl::Duration max_extension_;
  absl::flat_hash_map<std::string, Lease> leases_;
  absl::Time next_due_ = absl::InfiniteFuture();
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_DELIVERY_LEASES_H_
