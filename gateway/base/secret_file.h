#ifndef ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
#define ONHOOK_GATEWAY_BASE_SECRET_FILE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

namespace onhook {

// A key, token or password that lies in a file of its own, and changes there: what is mounted from
// a Kubernetes Secret, or written by hand.
//
// Promises: a change is noticed within about a second of the next look, whether the file was
// written in place, replaced, or reached by a symbolic link that was swapped. A new content that
// is no good (missing, unreadable, refused by the check) leaves the old one in use, and is logged
// once for each such content; the secret itself is never logged.
// Threads: any. Blocking: Get reads the file when it has changed, and looks at it once a second.
class SecretFile {
 public:
  // Completes "the secret ..."; OK: it will do. Must not repeat any of it.
  using Check = std::function<absl::Status(absl::string_view secret)>;

  // Reads `path`; one line end at the end is no part of the secret. `clock` and `log` must outlive
  // it. Errors: kInvalidArgument, naming the path and saying what is wrong: it cannot be read, is
  // larger than 4 KiB, empty, or refused by `check`.
  static absl::StatusOr<std::unique_ptr<SecretFile>> Open(std::string path, Check check,
                                                          const Clock* clock, const Log* log);

  const std::string& path() const { return path_; }

  // The secret as the file has it now, or had it when it last was any good.
  std::shared_ptr<const std::string> Get() const;

 private:
  struct Version;  // what identifies a content without reading it

  SecretFile(std::string path, Check check, const Clock* clock, const Log* log);

  const std::string path_;
  const Check check_;
  const Clock* const clock_;
  const Log* const log_;
  mutable absl::Mutex mutex_;
  mutable std::unique_ptr<Version> version_ ABSL_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const std::string> secret_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration looked_ ABSL_GUARDED_BY(mutex_);  // Clock::Elapsed()
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
