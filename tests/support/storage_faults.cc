#include "tests/support/storage_faults.h"

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
  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, Sequence next,
                                           absl::Time stored_at) override {
    if (absl::Status fault = faults_->Reach(Call::kInsertEvent); !fault.ok()) return fault;
    return storage_->InsertEvent(event, next, stored_at);
  }
  absl::Status InsertSettlement(const SettlementRow& row) override {
    absl::Status fault = faults_->Reach(Call::kInsertSettlement);
    return fault.ok() ? storage_->InsertSettlement(row) : fault;
  }
  absl::Status SaveState(const SubscriptionRecord& subscription) override {
    absl::Status fault = faults_->Reach(Call::kSaveState);
    return fault.ok() ? storage_->SaveState(subscription) : fault;
  }
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override {
    return storage_->InsertSubscription(subscription);
  }
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override {
    absl::Status fault = faults_->Reach(Call::kSaveForwarded);
    return fault.ok() ? storage_->SaveForwarded(receiver, range) : fault;
  }
  absl::Status Commit() override {
    absl::Status fault = faults_->Reach(Call::kCommit);
    if (fault.ok()) return storage_->Commit();
    storage_->Rollback();
    return fault;
  }
  void Rollback() override { storage_->Rollback(); }

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

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override {
    if (absl::Status fault = faults_->Reach(Call::kRead); !fault.ok()) return fault;
    return storage_->Read(after, last, limits);
  }
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override {
    return storage_->Find(query, last);
  }
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence last) override {
    return storage_->FindPlace(time, last);
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
