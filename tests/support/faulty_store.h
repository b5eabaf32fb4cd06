#ifndef ONHOOK_TESTS_SUPPORT_FAULTY_STORE_H_
#define ONHOOK_TESTS_SUPPORT_FAULTY_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/store.h"

namespace onhook {

// What a test has in store for a FaultyStore's Append and Keep. Lives outside it, and over its
// being opened again. Threads: any.
class StoreFaults {
 public:
  enum class Mode {
    kNone,
    kRefuse,         // stores nothing, and fails with `status`
    kStall,          // stores nothing and says nothing, until it is released: then as kNone
    kStoreAndDeny,   // stores, and fails with `status`
    kStoreAndStall,  // stores, and says so when it is released
  };

  void Set(Mode mode, absl::Status status = absl::UnavailableError("a fault")) {
    absl::MutexLock lock(&mutex_);
    mode_ = mode;
    status_ = std::move(status);
  }
  // Fails appends of this call with `status`, whatever the mode; with OK no more.
  void RefuseCall(const std::string& call, absl::Status status) {
    absl::MutexLock lock(&mutex_);
    refused_[call] = std::move(status);
  }
  // Keeps no rejected callback of this body, whatever the mode, and fails with `status`; with OK no
  // more.
  void RefuseBody(const std::string& body, absl::Status status) {
    absl::MutexLock lock(&mutex_);
    refused_bodies_[body] = std::move(status);
  }
  // Fails look-ups with `status`; with OK no more.
  void RefuseFinds(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    refused_finds_ = std::move(status);
  }
  // Is called once, within the next Declare.
  void OnDeclare(std::function<void()> hook) {
    absl::MutexLock lock(&mutex_);
    on_declare_ = std::move(hook);
  }
  // What stalls goes on, each on the calling thread. To be called once the mode is another.
  void Release() {
    std::vector<std::function<void()>> stalled;
    {
      absl::MutexLock lock(&mutex_);
      stalled.swap(stalled_);
    }
    for (const std::function<void()>& go_on : stalled) go_on();
  }
  // As the answers of a store that closes. What stalls from now on ends so at once.
  void Close() {
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    Release();
  }

  // As EventLog's, and as Quarantine's.
  void SetLargestEvent(int64_t bytes) { largest_event_ = bytes; }
  void SetLargestBody(int64_t bytes) { largest_body_ = bytes; }

  int appends() const { return Count(appends_); }
  int finds() const { return Count(finds_); }
  int keeps() const { return Count(keeps_); }

 private:
  friend class FaultyLog;
  friend class FaultyQuarantine;
  friend class FaultyStore;

  std::atomic<int64_t> largest_event_{0};
  std::atomic<int64_t> largest_body_{0};

  struct Fate {
    Mode mode = Mode::kNone;
    absl::Status status;
  };
  Fate Append(const std::string& call) {
    absl::MutexLock lock(&mutex_);
    ++appends_;
    const auto refused = refused_.find(call);
    if (refused != refused_.end() && !refused->second.ok()) {
      return {Mode::kRefuse, refused->second};
    }
    return {mode_, status_};
  }
  absl::Status Find() {
    absl::MutexLock lock(&mutex_);
    ++finds_;
    return refused_finds_;
  }
  void Declare() {
    std::function<void()> hook;
    {
      absl::MutexLock lock(&mutex_);
      hook = std::exchange(on_declare_, nullptr);
    }
    if (hook != nullptr) hook();
  }
  Fate Keep(const std::string& body) {
    absl::MutexLock lock(&mutex_);
    ++keeps_;
    const auto refused = refused_bodies_.find(body);
    if (refused != refused_bodies_.end() && !refused->second.ok()) {
      return {Mode::kRefuse, refused->second};
    }
    return {mode_, status_};
  }
  void Stall(std::function<void()> go_on) {
    {
      absl::MutexLock lock(&mutex_);
      // It may have been decided just before all others were released.
      const bool stalls = mode_ == Mode::kStall || mode_ == Mode::kStoreAndStall;
      if (!closing_ && stalls) {
        stalled_.push_back(std::move(go_on));
        return;
      }
    }
    go_on();
  }
  bool closing() const {
    absl::MutexLock lock(&mutex_);
    return closing_;
  }
  void Opened() {
    absl::MutexLock lock(&mutex_);
    closing_ = false;
  }
  int Count(const int& counter) const {
    absl::MutexLock lock(&mutex_);
    return counter;
  }

  mutable absl::Mutex mutex_;
  Mode mode_ ABSL_GUARDED_BY(mutex_) = Mode::kNone;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> refused_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> refused_bodies_ ABSL_GUARDED_BY(mutex_);
  absl::Status refused_finds_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_declare_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> stalled_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  int appends_ = 0;
  int finds_ = 0;
  int keeps_ = 0;
};

// A log that does as `log` does, but for the faults.
class FaultyLog final : public EventLog {
 public:
  FaultyLog(EventLog* log, StoreFaults* faults) : log_(log), faults_(faults) {}

  void Append(NewEvent event, AppendDone done) override {
    using Mode = StoreFaults::Mode;
    const StoreFaults::Fate fate = faults_->Append(event.call_serial_no);
    switch (fate.mode) {
      case Mode::kNone:
        return log_->Append(std::move(event), std::move(done));
      case Mode::kRefuse:
        return done(fate.status);
      case Mode::kStall:
        return faults_->Stall([this, event, done] {
          if (faults_->closing()) return done(absl::UnavailableError("closing"));
          log_->Append(event, done);
        });
      case Mode::kStoreAndDeny:
        return log_->Append(std::move(event),
                            [done, fate](const absl::StatusOr<AppendResult>& result) {
                              done(result.ok() ? fate.status : result);
                            });
      case Mode::kStoreAndStall:
        return log_->Append(std::move(event),
                            [this, done](const absl::StatusOr<AppendResult>& result) {
                              faults_->Stall([done, result] { done(result); });
                            });
    }
  }
  void Read(Sequence after, ReadLimits limits, ReadDone done) override {
    log_->Read(after, limits, std::move(done));
  }
  void Find(EventQuery query, FindDone done) override {
    if (absl::Status found = faults_->Find(); !found.ok()) return done(found);
    log_->Find(std::move(query), std::move(done));
  }
  void FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) override {
    log_->FindPlace(time, std::move(done));
  }
  void FindRawBody(Sequence sequence, RawBodyDone done) override {
    log_->FindRawBody(sequence, std::move(done));
  }
  Sequence last() const override { return log_->last(); }
  int64_t largest_event() const override { return faults_->largest_event_; }
  Sequence first() const override { return log_->first(); }
  void AddTailListener(TailListener listener) override {
    log_->AddTailListener(std::move(listener));
  }
  void RecordForwarded(const std::string& receiver, SequenceRange range) override {
    log_->RecordForwarded(receiver, range);
  }
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override {
    return log_->ForwardedAtOpen();
  }

 private:
  EventLog* const log_;
  StoreFaults* const faults_;
};

// A quarantine that does as `quarantine` does, but keeps nothing while there is a fault.
class FaultyQuarantine final : public Quarantine {
 public:
  FaultyQuarantine(Quarantine* quarantine, StoreFaults* faults)
      : quarantine_(quarantine), faults_(faults) {}

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override {
    const StoreFaults::Fate fate = faults_->Keep(callback.raw_body);
    if (fate.mode != StoreFaults::Mode::kNone) return done(fate.status);
    quarantine_->Keep(std::move(callback), std::move(done));
  }
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override {
    quarantine_->List(std::move(query), std::move(done));
  }
  void Get(int64_t id, Done<RejectedCallback> done) override {
    quarantine_->Get(id, std::move(done));
  }
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override {
    quarantine_->Discard(std::move(ids), std::move(done));
  }
  int64_t largest_body() const override { return faults_->largest_body_; }
  void Measure(Done<QuarantineSize> done) override { quarantine_->Measure(std::move(done)); }

 private:
  Quarantine* const quarantine_;
  StoreFaults* const faults_;
};

// A store that does as `store` does, but for the faults, which must outlive it.
class FaultyStore final : public Store {
 public:
  FaultyStore(std::unique_ptr<Store> store, StoreFaults* faults)
      : store_(std::move(store)),
        faults_(faults),
        log_(&store_->log(), faults),
        quarantine_(&store_->quarantine(), faults) {
    faults->Opened();
  }
  ~FaultyStore() override { Close().IgnoreError(); }

  // Without faults, as another gateway on the same store sees it.
  Store& behind() { return *store_; }

  const std::string& store_id() const override { return store_->store_id(); }
  v1::DurabilityClass durability_class() const override { return store_->durability_class(); }
  EventLog& log() override { return log_; }
  void Together(absl::FunctionRef<void()> work) override { store_->Together(work); }
  Quarantine& quarantine() override { return quarantine_; }
  absl::Status CheckRoom() const override { return store_->CheckRoom(); }
  StoreStats Stats() const override { return store_->Stats(); }
  std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const override {
    return store_->ListQueues();
  }
  void SetLimits(const StoreLimits& limits) override { store_->SetLimits(limits); }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const override {
    return store_->FindQueue(name);
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) override {
    return store_->FindOrCreateQueue(name, spec);
  }
  absl::Status Declare(const std::vector<Declaration>& declarations) override {
    faults_->Declare();
    return store_->Declare(declarations);
  }
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override {
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
    return store_->UpdateSubscription(name, spec);
  }
  absl::Status DeleteSubscription(const std::string& name) override {
    return store_->DeleteSubscription(name);
  }
  absl::Status Seek(const std::string& name, Sequence after) override {
    return store_->Seek(name, after);
  }
  absl::Status SetPaused(const std::string& name, bool paused) override {
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
  absl::Status Close() override {
    faults_->Close();
    return store_->Close();
  }

 private:
  const std::unique_ptr<Store> store_;
  StoreFaults* const faults_;
  FaultyLog log_;
  FaultyQuarantine quarantine_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAULTY_STORE_H_
