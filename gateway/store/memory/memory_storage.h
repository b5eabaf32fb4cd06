#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/memory/memory_nonces.h"
#include "gateway/store/memory/memory_quarantine.h"
#include "gateway/store/memory/memory_rows.h"

namespace onhook {

// A Storage without a disk, for tests: what is committed lives as long as what stands for it, so
// opening another storage on the same one is a restart.
class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::shared_ptr<MemoryDisk> disk)
      : disk_(std::move(disk)),
        mutex_(disk_->mutex),
        rows_(&disk_->rows),
        nonces_(disk_.get(), &writes_),
        quarantine_(disk_.get(), &writes_) {}

  absl::StatusOr<RecoveredState> Recover() override;

  absl::Status Begin() override;
  absl::Status Commit() override;
  void Rollback() override;

  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, LogPlace place,
                                           absl::Time stored_at) override;
  absl::StatusOr<Sequence> FindIdentity(const NewEvent& event) override;
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

  NonceRows& nonces() override { return nonces_; }
  QuarantineRows& quarantine() override { return quarantine_; }

  int64_t SizeInBytes() const override;  // of the events
  bool NeedsMaintenance() const override { return false; }
  absl::Status Maintain() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override;
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override;
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last) override;
  absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last) override;
  absl::StatusOr<std::optional<std::string>> FindRawBody(Sequence sequence) override;
  absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id, int64_t after,
                                                          ReadLimits limits) override;
  absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(
      int64_t subscription_id, const std::vector<int64_t>& ids) override;

 private:
  absl::Status Stage(MemoryWrite write);

  const std::shared_ptr<MemoryDisk> disk_;
  absl::Mutex& mutex_;  // the disk's: readers beside the writer
  MemoryRows* const rows_ ABSL_PT_GUARDED_BY(mutex_);

  // Of the transaction; the writing thread's.
  std::vector<MemoryWrite> writes_;
  std::map<MemoryRows::Identity, Sequence> new_identities_;
  int64_t new_subscriptions_ = 0;

  MemoryNonces nonces_;
  MemoryQuarantine quarantine_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
