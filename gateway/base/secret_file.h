#ifndef ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
#define ONHOOK_GATEWAY_BASE_SECRET_FILE_H_

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
// Promises: what Get returns was in the file no longer ago than a second before the call, whether
// the file was written in place, replaced, or reached by a symbolic link that was swapped. A new
// content that is no good (missing, unreadable, refused by the check) leaves the old one in use,
// and is logged once for each such content; the secret itself is never logged.
// Threads: any. Blocking: once a second one call of Get reads the file, while others are given what
// is known.
class SecretFile {
 public:
  // Completes "the secret ..."; OK: it will do. Must not repeat any of it.
  using Check = std::function<absl::Status(absl::string_view secret)>;

  // Reads `path`; one line end at the end is no part of the secret. `clock` and `log` must outlive
  // it. Errors: kInvalidArgument, naming the path and saying what is wrong: it cannot be read, is
  // no regular file, larger than 4 KiB, empty, or refused by `check`.
  static absl::StatusOr<std::unique_ptr<SecretFile>> Open(std::string path, Check check,
                                                          const Clock* clock, const Log* log);

  const std::string& path() const { return path_; }

  // The secret as the file has it now, or had it when it last was any good.
  std::shared_ptr<const std::string> Get() const;

 private:
  SecretFile(std::string path, Check check, const Clock* clock, const Log* log);

  // What is in the file, if it will do. The content is left in `content` even if it will not.
  absl::Status Read(std::string& content) const;
  // Takes the outcome of a look, and says what is to be said about it.
  void Settle(const absl::Status& status, std::string content) const;

  const std::string path_;
  const Check check_;
  const Clock* const clock_;
  const Log* const log_;
  mutable absl::Mutex mutex_;
  mutable std::shared_ptr<const std::string> secret_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration looked_ ABSL_GUARDED_BY(mutex_);  // Clock::Elapsed()
  mutable bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  // The content that was last refused, and why. OK: the last one was good.
  mutable absl::Status fault_ ABSL_GUARDED_BY(mutex_);
  mutable std::string refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
