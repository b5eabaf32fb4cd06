#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/spool/circuit.h"
#include "gateway/store/spool/main_store.h"
#include "gateway/store/spool/patience.h"
#include "gateway/store/store.h"

namespace onhook {

// The main store's quarantine, but for Keep: what that does not take in time is kept in the spool's
// and moved later; its result is then 0, since it has no id yet. Before the main store is open all
// else is kUnavailable. What is still in the spool's is in no listing and no measure: so what the
// main store would never take is refused, as without a spool. Where that shows only later, it stays
// in the spool's until its time is over, holds up no other, and is told in the log.
class SpooledQuarantine final : public Quarantine {
 public:
  // All must outlive it.
  struct Parts {
    MainStore* main;
    Store* spool;
    const Circuit* circuit;
    Patience* patience;
    const Clock* clock;  // of log lines
    const Log* log;
  };
  explicit SpooledQuarantine(Parts parts);

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override;
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override;
  void Get(int64_t id, Done<RejectedCallback> done) override;
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override;
  void Measure(Done<QuarantineSize> done) override;
  int64_t largest_body() const override;
  int64_t removed_by_limit() const override;
  int64_t removed_by_age() const override;

  // Moves what is in the spool's quarantine to the main store's, until one is not taken now: the
  // next call begins with another, since it may be for that one alone. `goes_on` is asked before
  // each. From one thread at a time. Blocking: for both stores.
  void MoveAll(const std::function<bool()>& goes_on);

 private:
  void KeepInSpool(NewRejectedCallback callback, Done<int64_t> done);
  // OK: it is moved, or nothing can be done about it. kOutOfRange: the main store never takes it.
  absl::Status MoveOne(int64_t id);
  // The next MoveAll goes on behind this id.
  void GoOnLater(int64_t after);

  const Parts parts_;
  LogThrottle refusals_;
  std::atomic<bool> spool_holds_some_{true};  // perhaps, and it may be taken
  int64_t resumes_after_ = 0;                 // of who moves
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_QUARANTINE_H_
