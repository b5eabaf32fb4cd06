#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_STORE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/spool/circuit.h"
#include "gateway/store/spool/main_store.h"
#include "gateway/store/spool/mover.h"
#include "gateway/store/spool/patience.h"
#include "gateway/store/spool/spool_account.h"
#include "gateway/store/spool/spool_stats.h"
#include "gateway/store/spool/spooled_log.h"
#include "gateway/store/spool/spooled_quarantine.h"
#include "gateway/store/store.h"
#include "gateway/store/store_limits.h"

namespace onhook {

struct SpooledStoreOptions {
  // How long the main log may take to answer an Append before the event goes to the spool. Above
  // what a healthy one takes even when its disks are slow (some tens of milliseconds), so that no
  // healthy one is given up; below what a majority takes to find a new leader (some seconds), and
  // no longer than callbacks wait for their receipt by default.
  absl::Duration patience = absl::Milliseconds(500);
  // How long Open tries to reach the main store before it goes on without.
  absl::Duration start_patience = absl::Seconds(10);
  // Between two tries to reach it from then on.
  absl::Duration reopen_interval = absl::Seconds(1);
  // Between two tries to move something, while the main store is away.
  absl::Duration longest_pause = absl::Seconds(1);
  // One callback tries the main store when nobody else has for so long.
  absl::Duration callback_interval = absl::Seconds(5);
  // Of the main log: for how long it knows an event's identity, from its storing.
  absl::Duration deduplication_window = absl::Hours(24);
  int64_t max_events = 1000000;  // in the spool
};

// A store in front of another, the main store, that may be away: what it does not take is committed
// to a spool, a store on this machine's disk, and moved to the main store later, once.
//
// Why: so that an outage of the servers that all gateways share costs no callback, and loses none.
// What subscribers get comes from the main store alone; nobody reads the spool but who empties it.
//
// Promises
//   - An Append that answered `spooled` is durable as the spool is, and will be in the main log
//     once, whatever ends in between; but for SpooledLog's and Mover's exceptions, which lose no
//     byte.
//   - What EventLog promises of a log holds of the main log. Over an outage its order is that of
//     moving, and its nonces are known to other gateways only once their events were moved.
// Until the main store was reached for the first time: Append goes to the spool, what changes or
// finds something is kUnavailable, what lists is empty, store_id() is empty, and declarations,
// limits and listeners are kept in mind for it.
//
// Threads: any. Of its own: one that moves, one that waits for answers and commits to the spool
// what the main log did not take, one that reaches the main store and moves rejected callbacks.
// Blocking: as Store; Close, for the main store as well, and an attempt to reach it.
class SpooledStore final : public Store {
 public:
  // Tries to open the main store for start_patience at most. `spool` must be opened for this
  // alone, with the limits that SpoolLimits() says. `clock` and `log` must outlive the store.
  // Errors: those of `open_main` but kUnavailable; those of the spool.
  static absl::StatusOr<std::unique_ptr<SpooledStore>> Open(const SpooledStoreOptions& options,
                                                            std::unique_ptr<Store> spool,
                                                            MainStore::Open open_main,
                                                            const Clock* clock, const Log* log);
  ~SpooledStore() override;

  // What a spool keeps, if the main store keeps that: an event until it was moved, its identity for
  // the deduplication window, and what cannot be read until somebody looks at it.
  static StoreLimits SpoolLimits(const StoreLimits& of_main);

  // How the spool stands. Blocking: reads its oldest event, for a short time at most.
  SpoolStats Spool() const;

  const std::string& store_id() const override;
  std::vector<StoreAncestor> ancestors() const override;
  // The main store's, once that was reached; what is in the spool has the spool's.
  v1::DurabilityClass durability_class() const override;
  EventLog& log() override { return log_; }
  void Together(absl::FunctionRef<void()> work) override;
  Quarantine& quarantine() override { return quarantine_; }
  // OK as long as either takes events. kFailedPrecondition and others: the main store was not
  // reached for another reason than that it is away.
  absl::Status CheckRoom() const override;
  // The main store's; the disk is the spool's where the main store has none.
  StoreStats Stats() const override;
  absl::StatusOr<std::unique_ptr<BackupCopy>> MakeBackup(const BackupGoOn& go_on) override;
  std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const override;
  void SetLimits(const StoreLimits& limits) override;
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const override;
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) override;
  absl::Status Declare(const std::vector<Declaration>& declarations) override;
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override;
  absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string& name) const override;
  std::vector<SubscriptionInfo> ListSubscriptions() const override;
  absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override;
  absl::Status DeleteSubscription(const std::string& name) override;
  absl::Status Seek(const std::string& name, Sequence after) override;
  absl::Status SetPaused(const std::string& name, bool paused) override;
  void AddSettledListener(SettledListener listener) override;
  void FindProcessed(Sequence sequence, std::function<void(absl::StatusOr<bool>)> done) override;
  void FindProcessedBy(Sequence sequence, std::vector<std::string> subscriptions,
                       std::function<void(absl::StatusOr<std::vector<std::string>>)> done) override;
  bool ExcludedByAll(const v1::ReleaseEvent& event) const override;
  absl::Status Close() override;

 private:
  SpooledStore(const SpooledStoreOptions& options, std::unique_ptr<Store> spool,
               MainStore::Open open_main, const Clock* clock, const Log* log);

  // Errors: as Open.
  absl::Status ReachMain();
  absl::Status StartMoving();
  // What is done every reopen_interval.
  void Upkeep();
  // Nothing: it could not be read in time.
  std::optional<absl::Duration> AgeOf(Sequence sequence) const;

  const SpooledStoreOptions options_;
  const Clock* const clock_;
  const Log* const log_sink_;
  LogThrottle not_reached_;
  LogThrottle not_usable_;
  std::atomic<bool> closing_{false};
  bool closed_ = false;

  // In this order: each uses those above it, and ends before them.
  const std::unique_ptr<Store> spool_;
  std::shared_ptr<SubscriptionQueue> queue_;  // of the spool: what is to be moved
  Circuit circuit_;
  SpoolAccount account_;
  MainStore main_;
  Patience patience_;
  SpooledLog log_;
  SpooledQuarantine quarantine_;
  std::unique_ptr<Mover> mover_;
  std::unique_ptr<PeriodicThread> upkeep_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_STORE_H_
