#ifndef ONHOOK_CLIENTS_CPP_TESTING_FAKE_LEDGER_H_
#define ONHOOK_CLIENTS_CPP_TESTING_FAKE_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/testing/fake_gateway.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::testing {

// What the fake gateway knows: its events, what each subscription owes, and to whom.
//
// Pure. Threads: one at a time. Blocking: never.
class FakeLedger {
 public:
  using Holder = const void*;  // a stream, by its address

  // Returns the event_id, made up if there is none.
  std::string Add(v1::ReleaseEvent event, absl::Time now);

  // Such a subscription is there from now on, if it was not before.
  void Open(const std::string& subscription) { subscriptions_[subscription]; }

  // The oldest event that a subscription owes and nobody holds, held from now on; nothing: it owes
  // none.
  std::optional<v1::Delivery> HandOut(const std::string& subscription, Holder holder);

  // Does to each delivery what was asked for, and notes it in `outcomes`.
  v1::AckResults Settle(const v1::AckRequest& request, std::vector<Outcome>* outcomes);
  v1::AckResults Settle(const v1::NackRequest& request, std::vector<Outcome>* outcomes);
  v1::AckResults Extend(const v1::ExtendRequest& request) const;

  // What `holder` holds is owed again.
  void Release(Holder holder);
  int64_t HeldBy(Holder holder) const;
  int64_t BacklogOf(const std::string& subscription) const;

  // In the order of their adding; the cursor of the one at `index` is CursorAt(index + 1).
  const std::vector<v1::ReleaseEvent>& events() const { return events_; }
  static std::string CursorAt(size_t index);
  // How many events are before a cursor. Errors: kInvalidArgument.
  absl::StatusOr<size_t> IndexOf(absl::string_view cursor) const;

  v1::StoredEvent Stored(size_t index) const;
  absl::StatusOr<v1::StoredEvent> Find(absl::string_view event_id) const;
  v1::ListEventsResponse List(const v1::ListEventsRequest& request) const;
  v1::SubscriptionTimeline::State StateOf(const std::string& subscription,
                                          absl::string_view event_id) const;

 private:
  struct Debt {
    v1::SubscriptionTimeline::State state = v1::SubscriptionTimeline::STATE_PENDING;
    int attempt = 1;
    v1::Delivery::RedeliveryReason reason = v1::Delivery::REDELIVERY_REASON_UNSPECIFIED;
    std::string delivery_id;  // of the newest delivery
    Holder holder = nullptr;
  };
  // By the index of the event; one that is not there yet is owed.
  using Debts = std::map<size_t, Debt>;

  // The debt that a delivery was of; null: there never was such a one.
  Debt* Of(const std::string& delivery_id);
  void Note(const std::string& delivery_id, client::Settlement settlement,
            std::vector<Outcome>* outcomes) const;

  std::vector<v1::ReleaseEvent> events_;
  std::map<std::string, Debts> subscriptions_;
  // Where each delivery that ever was belongs.
  std::map<std::string, std::pair<std::string, size_t>> deliveries_;
};

}  // namespace onhook::testing

#endif  // ONHOOK_CLIENTS_CPP_TESTING_FAKE_LEDGER_H_
