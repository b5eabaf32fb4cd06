#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/embedded_log.h"
#include "gateway/store/embedded/embedded_queue.h"
#include "gateway/store/embedded/reading_thread.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/store.h"

namespace onhook {

struct EmbeddedStoreOptions {
  size_t tail_bytes = 64 << 20;     // newest events kept in memory
  size_t max_pending_reads = 4096;  // look-ups and pages that may wait for the disk
  CommitQueueOptions commits;
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
  v1::DurabilityClass durability_class() const override { return durability_class_; }
  EventLog& log() override { return event_log_; }
  absl::StatusOr<SubscriptionQueue*> FindQueue(const std::string& name) override;
  absl::StatusOr<SubscriptionQueue*> FindOrCreateQueue(const std::string& name,
                                                       const v1::SubscriptionSpec& spec) override;
  absl::Status Close() override;

 private:
  class CreateOperation;

  EmbeddedStore(std::unique_ptr<Storage> storage, RecoveredState recovered,
                v1::DurabilityClass durability_class, const EmbeddedStoreOptions& options,
                const Clock* clock, const Log* log, CommitQueue::Fatal fatal);

  EmbeddedQueue* AddQueue(SubscriptionRecord record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queues_mutex_);
  void BatchDone();

  const std::unique_ptr<Storage> storage_;
  const std::string store_id_;
  const v1::DurabilityClass durability_class_;
  const Clock* const clock_;
  const Log* const log_;

  absl::Mutex creating_mutex_;  // one creation at a time
  mutable absl::Mutex queues_mutex_;
  std::map<std::string, std::unique_ptr<EmbeddedQueue>> queues_ ABSL_GUARDED_BY(queues_mutex_);
  Sequence last_signalled_ = 0;  // the committing thread only
  bool closed_ = false;

  // In this order: each uses those above it, and ends before them.
  CommitQueue commits_;
  ReadingThread reader_;
  EmbeddedLog event_log_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_STORE_H_
