#include "tests/support/storage_faults.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onhook {

class StorageFaults::FaultyStorage final : public Storage {
 public:
  FaultyStorage(StorageFaults* faults, std::unique_ptr<Storage> storage)
      : faults_(faults), storage_(std::move(storage)) {}

  absl::StatusOr<RecoveredState> Recover() override { return storage_->Recover(); }

  absl::Status Begin() override {
    absl::Status fault = faults_->Reach(Call::kBegin);
    return fault.ok() ? storage_->Begin() : fault;
  }
  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, LogPlace place,
                                           absl::Time stored_at) override {
    if (absl::Status fault = faults_->Reach(Call::kInsertEvent); !fault.ok()) return fault;
    return storage_->InsertEvent(event, place, stored_at);
  }
  absl::Status InsertSettlement(const SettlementRow& row) override {
    absl::Status fault = faults_->Reach(Call::kInsertSettlement);
    return fault.ok() ? storage_->InsertSettlement(row) : fault;
  }
  absl::Status SaveProgress(const SubscriptionProgress& progress) override {
    absl::Status fault = faults_->Reach(Call::kSaveProgress);
    return fault.ok() ? storage_->SaveProgress(progress) : fault;
  }
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override {
    return storage_->InsertSubscription(subscription);
  }
  absl::StatusOr<Sequence> FindIdentity(const NewEvent& event) override {
    return storage_->FindIdentity(event);
  }
  absl::Status RemoveEvents(Sequence through, absl::Time now) override {
    return storage_->RemoveEvents(through, now);
  }
  absl::Status ForgetIdentities(absl::Time before, int64_t max_rows) override {
    return storage_->ForgetIdentities(before, max_rows);
  }
  absl::Status UpdateSubscription(const SubscriptionRecord& subscription) override {
    return storage_->UpdateSubscription(subscription);
  }
  absl::Status DeleteSubscription(int64_t id) override { return storage_->DeleteSubscription(id); }
  absl::Status InsertHistory(const HistoryRow& row) override {
    absl::Status fault = faults_->Reach(Call::kInsertHistory);
    return fault.ok() ? storage_->InsertHistory(row) : fault;
  }
  absl::Status InsertDeadLetter(const DeadLetterRow& row) override {
    absl::Status fault = faults_->Reach(Call::kInsertDeadLetter);
    return fault.ok() ? storage_->InsertDeadLetter(row) : fault;
  }
  absl::Status MarkRedriven(int64_t subscription_id, Sequence sequence) override {
    return storage_->MarkRedriven(subscription_id, sequence);
  }
  absl::Status DeleteDeadLetter(int64_t subscription_id, Sequence sequence) override {
    return storage_->DeleteDeadLetter(subscription_id, sequence);
  }
  absl::StatusOr<bool> TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                   SequenceRange removed, int64_t max_rows) override {
    return storage_->TrimJournal(subscription_id, epoch_number, removed, max_rows);
  }
  absl::StatusOr<bool> RemoveOrphans(int64_t max_rows) override {
    return storage_->RemoveOrphans(max_rows);
  }
  absl::StatusOr<std::vector<DeadLetterName>> TrimDeadLetters(absl::Time before, int64_t max_bytes,
                                                              int64_t max_rows) override {
    return storage_->TrimDeadLetters(before, max_bytes, max_rows);
  }
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override {
    absl::Status fault = faults_->Reach(Call::kSaveForwarded);
    return fault.ok() ? storage_->SaveForwarded(receiver, range) : fault;
  }
  absl::Status TrimForwarded(const std::string& receiver, Sequence through) override {
    return storage_->TrimForwarded(receiver, through);
  }
  absl::Status Commit() override {
    absl::Status fault = faults_->Reach(Call::kCommit);
    if (fault.ok()) return storage_->Commit();
    storage_->Rollback();
    return fault;
  }
  void Rollback() override { storage_->Rollback(); }

  NonceRows& nonces() override { return storage_->nonces(); }
  QuarantineRows& quarantine() override { return storage_->quarantine(); }

  int64_t SizeInBytes() const override { return storage_->SizeInBytes(); }
  bool NeedsMaintenance() const override {
    absl::MutexLock lock(&faults_->mutex_);
    return faults_->maintenance_due_ || storage_->NeedsMaintenance();
  }
  absl::Status Maintain() override {
    {
      absl::MutexLock lock(&faults_->mutex_);
      faults_->maintenance_due_ = false;
    }
    absl::Status fault = faults_->Reach(Call::kMaintain);
    return fault.ok() ? storage_->Maintain() : fault;
  }
  absl::Status Close() override { return storage_->Close(); }
  absl::StatusOr<std::unique_ptr<BackupCopy>> Copy(absl::Time now,
                                                   const BackupGoOn& go_on) override {
    return storage_->Copy(now, go_on);
  }

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override {
    if (absl::Status fault = faults_->Reach(Call::kRead); !fault.ok()) return fault;
    return storage_->Read(after, last, limits);
  }
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override {
    return storage_->Find(query, last);
  }
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last) override {
    return storage_->FindPlace(time, first, last);
  }
  absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last) override {
    return storage_->FindOffset(offset, first, last);
  }
  absl::StatusOr<std::optional<std::string>> FindRawBody(Sequence sequence) override {
    return storage_->FindRawBody(sequence);
  }
  absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence) override {
    return storage_->FindEventRows(subscription_id, sequence);
  }
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id, int64_t after,
                                                          ReadLimits limits) override {
    return storage_->ListDeadLetters(subscription_id, after, limits);
  }
  absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id, Sequence sequence) override {
    return storage_->ReadDeadLetter(subscription_id, sequence);
  }
  absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(
      int64_t subscription_id, const std::vector<int64_t>& ids) override {
    return storage_->FindDeadLetters(subscription_id, ids);
  }

 private:
  StorageFaults* const faults_;
  const std::unique_ptr<Storage> storage_;
};

void StorageFaults::Fail(Call call, absl::Status status, int nth) {
  absl::MutexLock lock(&mutex_);
  Plan& plan = plans_[call];
  plan.fails_at = plan.calls + nth;
  plan.status = std::move(status);
}

void StorageFaults::Before(Call call, std::function<void()> hook) {
  absl::MutexLock lock(&mutex_);
  plans_[call].before = std::move(hook);
}

void StorageFaults::MakeMaintenanceDue() {
  absl::MutexLock lock(&mutex_);
  maintenance_due_ = true;
}

int StorageFaults::count(Call call) const {
  absl::MutexLock lock(&mutex_);
  const auto it = plans_.find(call);
  return it == plans_.end() ? 0 : it->second.calls;
}

std::unique_ptr<Storage> StorageFaults::ApplyTo(std::unique_ptr<Storage> storage) {
  return std::make_unique<FaultyStorage>(this, std::move(storage));
}

absl::Status StorageFaults::Reach(Call call) {
  std::function<void()> before;
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    Plan& plan = plans_[call];
    ++plan.calls;
    before = plan.before;
    if (plan.calls == plan.fails_at) status = plan.status;
  }
  if (before != nullptr) before();
  return status;
}

HeldCall::HeldCall(StorageFaults* faults, StorageFaults::Call call)
    : state_(std::make_shared<State>()) {
  faults->Before(call, [state = state_] {
    if (state->reached.HasBeenNotified()) return;
    state->reached.Notify();
    state->released.WaitForNotification();
  });
}

HeldCall::~HeldCall() { Release(); }

void HeldCall::Release() {
  if (!state_->released.HasBeenNotified()) state_->released.Notify();
}

}  // namespace onhook
