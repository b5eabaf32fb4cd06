#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// What a memory storage keeps from one opening to the next.
struct MemoryRows {
  using Identity = std::tuple<std::string, std::string, std::string>;  // call, source, digest
  using EventKey = std::pair<int64_t, Sequence>;                       // of a subscription
  struct Event {
    NewEvent event;
    LogEventPtr stored;
  };
  struct KeptDeadLetter {
    int64_t id = 0;
    DeadLetterRow row;
    LogEventPtr event;
    bool redriven = false;
  };

  std::string store_id;
  int64_t openings = 0;
  Sequence first = 1;
  std::deque<Event> events;  // of sequence first, first + 1, ...
  std::map<Identity, Sequence> sequence_by_identity;
  std::map<Identity, absl::Time> removed_identities;
  int64_t last_subscription_id = 0;
  std::map<int64_t, SubscriptionRecord> subscriptions;
  // By subscription, epoch and first sequence.
  std::map<std::tuple<int64_t, int64_t, Sequence>, SettlementRow> settlements;
  std::map<EventKey, std::vector<HistoryRow>> history;
  int64_t last_dead_letter_id = 0;
  std::map<EventKey, KeptDeadLetter> dead_letters;
  std::map<std::string, SequenceSet> forwarded;

  const Event& At(Sequence sequence) const { return events[static_cast<size_t>(sequence - first)]; }
};

// Where they lie. Threads: any, with the lock.
struct MemoryDisk {
  absl::Mutex mutex;
  MemoryRows rows ABSL_GUARDED_BY(mutex);

  // What a process that is killed now leaves behind.
  std::shared_ptr<MemoryDisk> Copy() {
    auto copy = std::make_shared<MemoryDisk>();
    absl::MutexLock lock(&mutex);
    absl::MutexLock copy_lock(&copy->mutex);
    copy->rows = rows;
    return copy;
  }
};

// A Storage without a disk, for tests: what is committed lives as long as what stands for it, so
// opening another storage on the same one is a restart.
class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::shared_ptr<MemoryDisk> disk)
      : disk_(std::move(disk)), mutex_(disk_->mutex), rows_(&disk_->rows) {}

  absl::StatusOr<RecoveredState> Recover() override;

  absl::Status Begin() override;
  absl::Status Commit() override;
  void Rollback() override;

  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, LogPlace place,
                                           absl::Time stored_at) override;
  absl::Status RemoveEvents(Sequence through, absl::Time now) override;
  absl::Status ForgetIdentities(absl::Time before, int64_t max_rows) override;
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override;
  absl::Status TrimForwarded(const std::string& receiver, Sequence through) override;
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override;
  absl::Status UpdateSubscription(const SubscriptionRecord& subscription) override;
  absl::Status DeleteSubscription(int64_t id) override;
  absl::Status SaveProgress(const SubscriptionProgress& progress) override;
  absl::Status InsertSettlement(const SettlementRow& row) override;
  absl::Status InsertHistory(const HistoryRow& row) override;
  absl::Status InsertDeadLetter(const DeadLetterRow& row) override;
  absl::Status MarkRedriven(int64_t subscription_id, Sequence sequence) override;
  absl::Status DeleteDeadLetter(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<bool> TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                   SequenceRange removed, int64_t max_rows) override;
  absl::StatusOr<bool> RemoveOrphans(int64_t max_rows) override;
  absl::StatusOr<std::vector<DeadLetterName>> TrimDeadLetters(absl::Time before, int64_t max_bytes,
                                                              int64_t max_rows) override;

  bool NeedsMaintenance() const override { return false; }
  absl::Status Maintain() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override;
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override;
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last) override;
  absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last) override;
  absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id, int64_t after,
                                                          ReadLimits limits) override;
  absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(
      int64_t subscription_id, const std::vector<int64_t>& ids) override;

 private:
  // Something to be done to the rows when the transaction commits.
  using Write = std::function<void(MemoryRows& rows)>;
  absl::Status Stage(Write write);

  const std::shared_ptr<MemoryDisk> disk_;
  absl::Mutex& mutex_;  // the disk's: readers beside the writer
  MemoryRows* const rows_ ABSL_PT_GUARDED_BY(mutex_);

  // Of the transaction; the writing thread's.
  std::vector<Write> writes_;
  std::map<MemoryRows::Identity, Sequence> new_identities_;
  int64_t new_subscriptions_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
