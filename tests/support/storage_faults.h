#ifndef ONHOOK_TESTS_SUPPORT_STORAGE_FAULTS_H_
#define ONHOOK_TESTS_SUPPORT_STORAGE_FAULTS_H_

#include <functional>
#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// What a test has in store for a Storage: which call fails, and what happens before one. Lives
// outside it, because a store owns its storage.
//
// Threads: any.
class StorageFaults {
 public:
  enum class Call {
    kBegin,
    kInsertEvent,
    kInsertSettlement,
    kInsertHistory,
    kInsertDeadLetter,
    kSaveProgress,
    kSaveForwarded,
    kCommit,
    kMaintain,
    kRead,
  };

  // Lets the next call of this kind, or the `nth` from now, fail without being made.
  void Fail(Call call, absl::Status status, int nth = 1);
  // Runs `hook` within every call of this kind, before it is made; nullptr: no more.
  void Before(Call call, std::function<void()> hook);
  // What NeedsMaintenance says, until Maintain is called.
  void MakeMaintenanceDue();

  int count(Call call) const;

  // A storage that does as `storage` does, but for these faults, which must outlive it.
  std::unique_ptr<Storage> ApplyTo(std::unique_ptr<Storage> storage);

 private:
  class FaultyStorage;

  struct Plan {
    int calls = 0;
    int fails_at = 0;
    absl::Status status;
    std::function<void()> before;
  };

  absl::Status Reach(Call call);

  mutable absl::Mutex mutex_;
  std::map<Call, Plan> plans_ ABSL_GUARDED_BY(mutex_);
  bool maintenance_due_ ABSL_GUARDED_BY(mutex_) = false;
};

// Holds the next call of a kind just before it is made.
class HeldCall {
 public:
  HeldCall(StorageFaults* faults, StorageFaults::Call call);
  // Releases it.
  ~HeldCall();

  // Waits until the call is reached.
  void Await() { state_->reached.WaitForNotification(); }
  void Release();

 private:
  struct State {
    absl::Notification reached;
    absl::Notification released;
  };
  const std::shared_ptr<State> state_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_STORAGE_FAULTS_H_
