#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "gateway/store/quarantine.h"
#include "gateway/store/spool/circuit.h"
#include "gateway/store/spool/main_store.h"
#include "gateway/store/spool/patience.h"
#include "gateway/store/store.h"

namespace onhook {

// The main store's quarantine, but for Keep: what that does not take in time is kept in the spool's
// and moved later; its result is then 0, since it has no id yet. Before the main store is open all
// else is kUnavailable. What is still in the spool's is in no listing and no measure.
class SpooledQuarantine final : public Quarantine {
 public:
  // All must outlive it.
  struct Parts {
    MainStore* main;
    Store* spool;
    const Circuit* circuit;
    Patience* patience;
  };
  explicit SpooledQuarantine(Parts parts) : parts_(parts) {}

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override;
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override;
  void Get(int64_t id, Done<RejectedCallback> done) override;
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override;
  void Measure(Done<QuarantineSize> done) override;
  int64_t removed_by_limit() const override;
  int64_t removed_by_age() const override;

  // Moves what is in the spool's quarantine to the main store's, until one is not taken; `goes_on`
  // is asked before each. From one thread at a time. Blocking: for both stores.
  void MoveAll(const std::function<bool()>& goes_on);

 private:
  void KeepInSpool(NewRejectedCallback callback, Done<int64_t> done);
  // False: it is to be tried again.
  bool MoveOne(int64_t id);

  const Parts parts_;
  std::atomic<bool> spool_holds_some_{true};  // perhaps
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_
