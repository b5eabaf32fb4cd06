#ifndef ONHOOK_GATEWAY_STORE_SPOOL_MAIN_STORE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_MAIN_STORE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/exchangeable.h"
#include "gateway/store/store.h"

namespace onhook {

// A store that may be away when the gateway starts: what it is to be told then is kept in mind, and
// told when it is open.
//
// Promises: nobody gets the store before it knows its listeners, limits and declarations. Once open
// it stays the same one until Close.
// Threads: any; TryToOpen and Close from one at a time, and what adds listeners. Blocking:
// TryToOpen, Declare, Close.
class MainStore {
 public:
  using Open = std::function<absl::StatusOr<std::unique_ptr<Store>>()>;

  explicit MainStore(Open open) : open_store_(std::move(open)) {}

  // Null: it has not been reached yet.
  Store* Get() const { return open_.load(std::memory_order_acquire); }
  // The same, or kUnavailable.
  absl::StatusOr<Store*> Find() const;

  // Opens it, unless that has been done. Errors: those of opening it and of declaring; to be tried
  // again.
  absl::Status TryToOpen();
  // What the last try came to.
  absl::Status last_try() const;

  // As the methods of Store and EventLog. Before it is open: OK, and kept in mind.
  absl::Status Declare(const std::vector<Declaration>& declarations);
  void SetLimits(const StoreLimits& limits);
  void AddSettledListener(Store::SettledListener listener);
  void AddTailListener(EventLog::TailListener listener);
  void ListenToOthers(EventLog::OtherGateways others);

  absl::Status Close();

 private:
  struct Wishes {
    std::optional<std::vector<Declaration>> declarations;
    std::optional<StoreLimits> limits;
  };

  absl::Status OpenAndTell();
  // Makes it known to all, unless there are wishes that it was not told; then these.
  std::optional<Wishes> Publish(std::unique_ptr<Store>& store);
  void Listen(Store& store);
  // What those that read it when they began would have found.
  void TellWhatIsThere(Store& store) const;

  const Open open_store_;
  // The store is given one listener of each kind, which tells these.
  Exchangeable<std::vector<Store::SettledListener>> settled_listeners_{
      std::vector<Store::SettledListener>()};
  Exchangeable<std::vector<EventLog::TailListener>> tail_listeners_{
      std::vector<EventLog::TailListener>()};
  Exchangeable<EventLog::OtherGateways> others_{EventLog::OtherGateways()};

  mutable absl::Mutex mutex_;
  Wishes untold_ ABSL_GUARDED_BY(mutex_);
  Wishes all_ ABSL_GUARDED_BY(mutex_);  // for the next try, if this one fails
  absl::Status last_try_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("not tried yet");
  std::unique_ptr<Store> store_;
  std::atomic<Store*> open_{nullptr};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_MAIN_STORE_H_
