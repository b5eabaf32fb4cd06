#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_FREE_DISK_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_FREE_DISK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/log.h"

namespace onhook {

// Says whether the disk has room for something new.
//
// Why: acks, and the deliveries that lead to them, must still be written when the disk fills up; so
// what comes in is refused while there is room for those.
//
// Threads: Look from one thread at a time; Check from any. Blocking: Look, as the probe does.
class FreeDisk {
 public:
  // Bytes that may still be written.
  using Probe = std::function<absl::StatusOr<int64_t>()>;

  // Bytes of the store's own files that hold nothing any more: as good as free, while the disk
  // still takes what a commit writes beside them.
  using Reusable = std::function<int64_t()>;

  // `minimum` 0 or no probe: there always is room. `log` must outlive it. Looks at once.
  FreeDisk(int64_t minimum, Probe probe, const Log* log, Reusable reusable = nullptr);

  // From the next Look() on. Threads: any.
  void SetMinimum(int64_t minimum) { minimum_ = minimum; }

  // Looks how much is free, and says in the log when a shortage begins and when it ends. If that
  // cannot be told, what was known goes on to hold.
  void Look();

  // kResourceExhausted: the disk is nearly full. Blocking: never.
  absl::Status Check() const;

  // What the last Look found; nothing if that could not be told.
  std::optional<int64_t> free() const;
  // What is free at this moment, likewise; for who is about to take much. Threads: any. Blocking:
  // as the probe does.
  std::optional<int64_t> FreeNow() const;
  int64_t minimum() const { return minimum_; }

 private:
  static constexpr int64_t kUnknown = -1;

  std::atomic<int64_t> minimum_;
  const Probe probe_;
  const Log* const log_;
  const Reusable reusable_;  // may be null
  bool can_be_told_ = true;  // only Look's
  std::atomic<bool> is_short_{false};
  std::atomic<int64_t> free_{kUnknown};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_FREE_DISK_H_
