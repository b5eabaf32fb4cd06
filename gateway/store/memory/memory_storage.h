#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// What a memory storage keeps from one opening to the next: the "disk" of tests.
struct MemoryRows {
  using Identity = std::tuple<std::string, std::string, std::string>;  // call, source, digest
  struct Event {
    NewEvent event;
    absl::Time stored_at;
  };

  std::string store_id;
  std::vector<Event> events;  // of sequence 1, 2, ...
  std::map<Identity, Sequence> sequence_by_identity;
  std::vector<SubscriptionRecord> subscriptions;  // of id 1, 2, ...
  std::vector<SettlementRow> settlements;
  std::map<std::string, SequenceSet> forwarded;
};

// A Storage without a disk, for tests: what is committed lives as long as the rows given to it, so
// opening another storage on the same rows is a restart.
class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::shared_ptr<MemoryRows> rows)
      : kept_rows_(std::move(rows)), rows_(kept_rows_.get()) {}

  absl::StatusOr<RecoveredState> Recover() override;

  absl::Status Begin() override;
  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, Sequence next,
                                           absl::Time stored_at) override;
  absl::Status InsertSettlement(const SettlementRow& row) override;
  absl::Status SaveState(const SubscriptionRecord& subscription) override;
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override;
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override;
  absl::Status Commit() override;
  void Rollback() override;

  bool NeedsMaintenance() const override { return false; }
  absl::Status Maintain() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override;
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override;
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence last) override;

 private:
  absl::Mutex mutex_;  // readers beside the writer
  const std::shared_ptr<MemoryRows> kept_rows_;
  MemoryRows* const rows_ ABSL_PT_GUARDED_BY(mutex_);
  MemoryRows staged_;  // of the transaction; the writing thread's
  size_t subscriptions_before_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORAGE_H_
