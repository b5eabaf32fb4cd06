#include "gateway/settings_watch.h"

#include <sys/stat.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/regular_file.h"
#include "gateway/event/sha256.h"

namespace onhook {
namespace {

// More than this is no file of settings, whatever is in it.
constexpr size_t kMostBytes = 16 << 20;
constexpr int kLooksUntilTrial = 10;

// Whether opening it may wait for somebody at its other end, such as that of a pipe.
bool MayBlock(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

}  // namespace

SettingsWatch::SettingsWatch(std::string path, ReadSettings read, std::function<void()> on_change,
                             absl::Duration interval)
    : path_(std::move(path)), read_(std::move(read)), on_change_(std::move(on_change)) {
  if (path_.empty()) return;
  {
    absl::MutexLock lock(&mutex_);
    known_ = latest_ = StateOfFile();
  }
  if (interval < absl::InfiniteDuration()) thread_.emplace(interval, [this] { Look(); });
}

absl::StatusOr<Invocation> SettingsWatch::Read() {
  // Before the reading: what is written meanwhile is a change.
  if (!path_.empty()) {
    std::string state = StateOfFile();
    absl::MutexLock lock(&mutex_);
    known_ = latest_ = std::move(state);
  }
  absl::StatusOr<Invocation> invocation = ReadAgain();
  absl::MutexLock lock(&mutex_);
  fault_.reset();
  if (!invocation.ok()) fault_ = std::string(invocation.status().message());
  looks_since_trial_ = 0;
  return invocation;
}

void SettingsWatch::Look() {
  if (path_.empty()) return;
  if (HasChanged() || HasSomethingElseToSay()) on_change_();
}

bool SettingsWatch::HasChanged() {
  std::string state = StateOfFile();
  absl::MutexLock lock(&mutex_);
  const bool is_stable = state == latest_;
  latest_ = std::move(state);
  if (!is_stable || latest_ == known_) return false;
  known_ = latest_;
  return true;
}

bool SettingsWatch::HasSomethingElseToSay() {
  {
    absl::MutexLock lock(&mutex_);
    if (!fault_.has_value() || ++looks_since_trial_ < kLooksUntilTrial) return false;
    looks_since_trial_ = 0;
  }
  const absl::StatusOr<Invocation> trial = ReadAgain();
  absl::MutexLock lock(&mutex_);
  if (!fault_.has_value()) return false;
  if (!trial.ok() && trial.status().message() == *fault_) return false;
  // Once: whoever is told reads, and says it.
  fault_.reset();
  return true;
}

// At the start somebody was there to write into a pipe; whether anybody is now, nobody knows.
absl::StatusOr<Invocation> SettingsWatch::ReadAgain() const {
  if (!MayBlock(path_)) return read_();
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ": cannot be read again: it is no regular file"));
}

std::string SettingsWatch::StateOfFile() const {
  std::string bytes;
  const absl::Status read = ReadRegularFile(path_, kMostBytes, bytes);
  return read.ok() ? absl::StrCat("content ", Sha256(bytes)) : std::string(read.message());
}

}  // namespace onhook
