#ifndef ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
#define ONHOOK_GATEWAY_BASE_SECRET_FILE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

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
// Why more than one is live: a source has two files, the current secret's and the previous one's,
// and a rotation changes both. Each is read at its own time, so for up to a second the secret that
// moves from one to the other might be in neither, and what it proves would be refused.
//
// Promises: the first that Get returns was in the file no longer ago than a second before the call,
// whether the file was written in place, replaced, or reached by a symbolic link that was swapped.
// What a change replaced is live for 2 seconds after the change was noticed: so a secret is revoked
// by writing another, about 3 seconds later, and 4 at most, but for what it takes to read the file.
// If nobody had asked for 2 seconds before, the change may be an old one: then what it replaced is
// dead at once, and whoever asks meanwhile waits for the file.
// A new content that is no good (missing, unreadable, refused by the check) leaves the old one in
// use, and is logged once for each such content; the secret itself is never logged.
// Threads: any. Blocking: once a second one call of Get reads the file, while others are given what
// is known, or wait for that call if what is known is 2 seconds old.
class SecretFile {
 public:
  using Live = std::vector<std::shared_ptr<const std::string>>;

  // Completes "the secret ..."; OK: it will do. Must not repeat any of it.
  using Check = std::function<absl::Status(absl::string_view secret)>;

  // Reads `path`; one line end at the end is no part of the secret. `clock` and `log` must outlive
  // it. Errors: kInvalidArgument, naming the path and saying what is wrong: it cannot be read, is
  // no regular file, larger than 4 KiB, empty, or refused by `check`.
  static absl::StatusOr<std::unique_ptr<SecretFile>> Open(std::string path, Check check,
                                                          const Clock* clock, const Log* log);

  const std::string& path() const { return path_; }

  // The secret as the file has it now, or had it when it last was any good; then what it has
  // replaced of late, newest first. Never empty.
  Live Get() const;

 private:
  struct Replaced {
    std::shared_ptr<const std::string> secret;
    absl::Duration until;  // Clock::Elapsed(), exclusive
  };

  SecretFile(std::string path, Check check, const Clock* clock, const Log* log);

  // What is in the file, if it will do. The content is left in `content` even if it will not.
  absl::Status Read(std::string& content) const;
  // Takes the outcome of a look, and says what is to be said about it.
  void Settle(const absl::Status& status, std::string content) const;
  // Makes `content` the secret, and the one before a replaced one.
  void Replace(std::string content, absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether what is known was too old to go by when the latest look began.
  bool WasStale() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Live LiveAt(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const Check check_;
  const Clock* const clock_;
  const Log* const log_;
  mutable absl::Mutex mutex_;
  mutable std::shared_ptr<const std::string> secret_ ABSL_GUARDED_BY(mutex_);
  // Newest first. Few: there is a look a second, and each of them lives for two.
  mutable std::vector<Replaced> replaced_ ABSL_GUARDED_BY(mutex_);
  // When the latest look began, and when the latest that is over ended: Clock::Elapsed().
  mutable absl::Duration looked_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration settled_ ABSL_GUARDED_BY(mutex_);
  mutable bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  // The content that was last refused, and why. OK: the last one was good.
  mutable absl::Status fault_ ABSL_GUARDED_BY(mutex_);
  mutable std::string refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_SECRET_FILE_H_
