#ifndef ONHOOK_GATEWAY_SETTINGS_WATCH_H_
#define ONHOOK_GATEWAY_SETTINGS_WATCH_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/config/invocation.h"

namespace onhook {

// Notices when the settings should be read again, beside a signal that says so.
//
// The file is compared by its content: a mounted ConfigMap is a symbolic link that is swapped, and
// times and sizes may stay the same. Why a content must be the same in two looks: an editor may be
// half way through writing it.
// Settings that were no good may become good although their file stays as it is, when a file of a
// secret comes after it. So as long as they are none they are tried every now and then, and are to
// be read again once there is something else to say of them.
// Threads: Read from one owner; it has a thread of its own, or Look is called by somebody else.
// Blocking: Read, as `read` does for a file, and never for a pipe's other end, since a thread that
// waits for that hears of no signal; the destructor, until a look that is under way is over.
class SettingsWatch {
 public:
  using ReadSettings = std::function<absl::StatusOr<Invocation>()>;

  // What Look does is done every `interval`; of InfiniteDuration() never by itself. `path` is the
  // file; empty: there is none to look at. `read` is called on both threads, and at the same time.
  // `on_change` is called when the settings should be read again, on the watch's thread; it must
  // not call back.
  SettingsWatch(std::string path, ReadSettings read, std::function<void()> on_change,
                absl::Duration interval = absl::Seconds(1));

  // Reads the settings. What the file holds now is no change any more. Errors: as `read`;
  // kInvalidArgument also for what is no regular file.
  absl::StatusOr<Invocation> Read();

  // Looks once.
  void Look();

 private:
  absl::StatusOr<Invocation> ReadAgain() const;
  // Tells contents, and ways not to be readable, from each other.
  std::string StateOfFile() const;
  bool HasChanged() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasSomethingElseToSay() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string path_;
  const ReadSettings read_;
  const std::function<void()> on_change_;
  absl::Mutex mutex_;
  std::string known_ ABSL_GUARDED_BY(mutex_);   // the state that is no change
  std::string latest_ ABSL_GUARDED_BY(mutex_);  // of the last look
  // What the last Read, or trial since, said was wrong. Nothing: it was good.
  std::optional<std::string> fault_ ABSL_GUARDED_BY(mutex_);
  int looks_since_trial_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<PeriodicThread> thread_;  // last: it uses the rest
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_SETTINGS_WATCH_H_
