#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/embedded_log.h"
#include "gateway/store/embedded/embedded_quarantine.h"
#include "gateway/store/embedded/embedded_queue.h"
#include "gateway/store/embedded/free_disk.h"
#include "gateway/store/embedded/housekeeping.h"
#include "gateway/store/embedded/reading_thread.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/embedded/storage_copier.h"
#include "gateway/store/store.h"

namespace onhook {

// What the threads of a store do, to be done by hand: a simulation decides what happens next. Each
// does one step; false: there is nothing to do now.
struct StoreWork {
  std::function<bool()> commit;
  std::function<bool()> read;
  std::function<void()> tick;
};

struct EmbeddedStoreOptions {
  size_t tail_bytes = 16 << 20;     // newest events kept in memory
  size_t max_pending_reads = 4096;  // look-ups and pages that may wait for the disk
  // Each costs a share of every event's way and of every tick.
  size_t max_subscriptions = 1000;
  // How precisely deadlines are kept.
  absl::Duration tick_interval = absl::Milliseconds(100);
  RetentionOptions retention;
  QuarantineOptions quarantine;
  // Below so many free bytes nothing new is stored. 0: however little is free.
  int64_t minimum_free_disk = 0;
  // Tells how many there are; asked every second, on the ticking thread. An engine with a disk has
  // its own if this is null.
  FreeDisk::Probe free_disk;
  CommitQueueOptions commits;
  // Whether the log tells of subscriptions that come and go: not of those that are nobody's.
  bool tells_of_subscriptions = true;
  // Set: the store has no threads. It says here how their work is done, for as long as it is open.
  StoreWork* by_hand = nullptr;
};

// A Store over rows of some storage: what memory and SQLite have in common, which is all but the
// rows.
class EmbeddedStore final : public Store {
 public:
  // Recovers what `storage` holds. `clock` and `log` must outlive the store. `fatal`: see
  // CommitQueue::Fatal. Errors: as Storage::Recover.
  static absl::StatusOr<std::unique_ptr<Store>> Open(std::unique_ptr<Storage> storage,
                                                     v1::DurabilityClass durability_class,
                                                     const EmbeddedStoreOptions& options,
                                                     const Clock* clock, const Log* log,
                                                     CommitQueue::Fatal fatal);
  ~EmbeddedStore() override;

  const std::string& store_id() const override { return store_id_; }
  std::vector<StoreAncestor> ancestors() const override { return ancestors_; }
  v1::DurabilityClass durability_class() const override { return durability_class_; }
  EventLog& log() override { return event_log_; }
  void Together(absl::FunctionRef<void()> work) override { commits_.Together(work); }
  Quarantine& quarantine() override { return quarantine_; }
  absl::Status CheckRoom() const override { return free_disk_.Check(); }
  StoreStats Stats() const override;
  absl::StatusOr<std::unique_ptr<BackupCopy>> MakeBackup(const BackupGoOn& go_on) override {
    return copier_.Copy(go_on);
  }
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
  using QueuePtr = std::shared_ptr<EmbeddedQueue>;

  EmbeddedStore(std::unique_ptr<Storage> storage, RecoveredState recovered,
                v1::DurabilityClass durability_class, const EmbeddedStoreOptions& options,
                const Clock* clock, const Log* log, CommitQueue::Fatal fatal);

  absl::StatusOr<QueuePtr> Find(const std::string& name) const;
  // On the reading thread.
  absl::StatusOr<bool> HasProcessed(int64_t subscription_id, Sequence sequence) const;
  std::vector<QueuePtr> Queues() const;
  // The methods with a capital C or D in them hold changing_mutex_.
  absl::StatusOr<QueuePtr> Create(const std::string& name, const v1::SubscriptionSpec& spec,
                                  SubscriptionRecord::Origin origin)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  absl::Status Change(const QueuePtr& queue, const v1::SubscriptionSpec& spec,
                      SubscriptionRecord::Origin origin)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  // A line in the log for what an administrator, or time, has done to a subscription.
  void Tell(absl::string_view what, const std::string& name) const;
  absl::Status Delete(const QueuePtr& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);

  Housekeeping::Callbacks HousekeepingCallbacks();
  void BatchDone();
  void Tick();
  void DeleteUnused();

  const std::unique_ptr<Storage> storage_;
  const std::string store_id_;
  const std::vector<StoreAncestor> ancestors_;
  const v1::DurabilityClass durability_class_;
  const EmbeddedStoreOptions options_;
  const Clock* const clock_;
  const CautiousClock cautious_clock_;
  const Log* const log_;

  // One change of subscriptions at a time. Held while that becomes durable, by threads that may
  // wait.
  absl::Mutex changing_mutex_;
  std::atomic<bool> changing_{false};  // a creation or seek is under way
  std::atomic<int64_t> dead_letters_removed_by_age_{0};
  std::atomic<int64_t> dead_letters_removed_by_size_{0};
  mutable absl::Mutex queues_mutex_;
  std::map<std::string, QueuePtr> queues_ ABSL_GUARDED_BY(queues_mutex_);
  std::vector<SettledListener> settled_listeners_;  // set before the first append
  Sequence last_signalled_ = 0;                     // the committing thread only
  absl::Duration housekept_;                        // the ticking thread only
  bool closed_ = false;

  // In this order: each uses those above it, and ends before them.
  CommitQueue commits_;
  ReadingThread reader_;
  FreeDisk free_disk_;
  StorageCopier copier_;
  EmbeddedLog event_log_;
  EmbeddedQuarantine quarantine_;
  QueueEnvironment environment_;
  Housekeeping housekeeping_;
  std::optional<PeriodicThread> ticking_;  // unless by hand
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_
