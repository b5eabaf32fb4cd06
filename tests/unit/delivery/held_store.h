#ifndef ONHOOK_TESTS_UNIT_DELIVERY_HELD_STORE_H_
#define ONHOOK_TESTS_UNIT_DELIVERY_HELD_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/store.h"

namespace onhook {

// Another store, whose methods that may wait for the disk wait until a test lets them go on.
// Threads: any. Blocking: as told, and AwaitHeld.
class HeldStore final : public Store {
 public:
  // With `quarantine`, that is offered instead of the store's own, and must outlive this.
  explicit HeldStore(std::unique_ptr<Store> store, Quarantine* quarantine = nullptr)
      : store_(std::move(store)),
        quarantine_(quarantine == nullptr ? &store_->quarantine() : quarantine) {}

  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }
  // Waits until some method waits.
  void AwaitHeld() {
    absl::MutexLock lock(&mutex_);
    const auto waits = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return waiting_ > 0; };
    mutex_.Await(absl::Condition(&waits));
  }
  void LetGo() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }

  const std::string& store_id() const override { return store_->store_id(); }
  v1::DurabilityClass durability_class() const override { return store_->durability_class(); }
  EventLog& log() override { return store_->log(); }
  Quarantine& quarantine() override { return *quarantine_; }
  void SetLimits(const StoreLimits& limits) override { store_->SetLimits(limits); }
  std::vector<StoreAncestor> ancestors() const override { return ancestors_; }
  void SetAncestors(std::vector<StoreAncestor> ancestors) { ancestors_ = std::move(ancestors); }
  // What `make` gives; else what the store does.
  using MakesBackup = std::function<absl::StatusOr<std::unique_ptr<BackupCopy>>(const BackupGoOn&)>;
  void SetBackup(MakesBackup make) { make_backup_ = std::move(make); }
  absl::StatusOr<std::unique_ptr<BackupCopy>> MakeBackup(const BackupGoOn& go_on) override {
    WaitWhileHeld();
    return make_backup_ == nullptr ? store_->MakeBackup(go_on) : make_backup_(go_on);
  }
  absl::Status CheckRoom() const override { return store_->CheckRoom(); }
  StoreStats Stats() const override { return store_->Stats(); }
  std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const override {
    return store_->ListQueues();
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const override {
    return store_->FindQueue(name);
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) override {
    WaitWhileHeld();
    return store_->FindOrCreateQueue(name, spec);
  }
  absl::Status Declare(const std::vector<Declaration>& declarations) override {
    return store_->Declare(declarations);
  }
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override {
    WaitWhileHeld();
    return store_->CreateSubscription(name, spec);
  }
  absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string& name) const override {
    return store_->GetSubscription(name);
  }
  std::vector<SubscriptionInfo> ListSubscriptions() const override {
    return store_->ListSubscriptions();
  }
  absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override {
    WaitWhileHeld();
    return store_->UpdateSubscription(name, spec);
  }
  absl::Status DeleteSubscription(const std::string& name) override {
    WaitWhileHeld();
    return store_->DeleteSubscription(name);
  }
  absl::Status Seek(const std::string& name, Sequence after) override {
    WaitWhileHeld();
    return store_->Seek(name, after);
  }
  absl::Status SetPaused(const std::string& name, bool paused) override {
    WaitWhileHeld();
    return store_->SetPaused(name, paused);
  }
  void AddSettledListener(SettledListener listener) override {
    store_->AddSettledListener(std::move(listener));
  }
  void FindProcessed(Sequence sequence, std::function<void(absl::StatusOr<bool>)> done) override {
    store_->FindProcessed(sequence, std::move(done));
  }
  void FindProcessedBy(
      Sequence sequence, std::vector<std::string> subscriptions,
      std::function<void(absl::StatusOr<std::vector<std::string>>)> done) override {
    store_->FindProcessedBy(sequence, std::move(subscriptions), std::move(done));
  }
  bool ExcludedByAll(const v1::ReleaseEvent& event) const override {
    return store_->ExcludedByAll(event);
  }
  absl::Status Close() override { return store_->Close(); }

 private:
  void WaitWhileHeld() {
    absl::MutexLock lock(&mutex_);
    ++waiting_;
    const auto let_go = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
    mutex_.Await(absl::Condition(&let_go));
    --waiting_;
  }

  const std::unique_ptr<Store> store_;
  Quarantine* const quarantine_;
  std::vector<StoreAncestor> ancestors_;
  MakesBackup make_backup_;
  absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_DELIVERY_HELD_STORE_H_
