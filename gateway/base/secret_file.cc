#include "gateway/base/secret_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/base/regular_file.h"

namespace onhook {
namespace {

constexpr size_t kMostBytes = 4096;
constexpr absl::Duration kLookInterval = absl::Seconds(1);
// Twice the interval: before its end the other file of a rotation has been looked at too.
constexpr absl::Duration kReplacedIsLive = absl::Seconds(2);
constexpr absl::Duration kStale = absl::Seconds(2);

absl::Status Fault(absl::string_view message) { return absl::InvalidArgumentError(message); }

}  // namespace

absl::StatusOr<std::unique_ptr<SecretFile>> SecretFile::Open(std::string path, Check check,
                                                             const Clock* clock, const Log* log) {
  std::unique_ptr<SecretFile> file(new SecretFile(std::move(path), std::move(check), clock, log));
  const absl::Duration now = clock->Elapsed();
  std::string content;
  const absl::Status status = file->Read(content);
  if (!status.ok()) {
    return Fault(absl::StrCat("the secret in ", file->path(), " ", status.message()));
  }
  absl::MutexLock lock(&file->mutex_);
  file->secret_ = std::make_shared<const std::string>(std::move(content));
  file->looked_ = now;
  file->settled_ = now;
  return file;
}

SecretFile::SecretFile(std::string path, Check check, const Clock* clock, const Log* log)
    : path_(std::move(path)), check_(std::move(check)), clock_(clock), log_(log) {}

// Why no look at its times first: a file system's clock ticks in milliseconds, so a file that is
// written twice within one looks the same before and after. To read it costs as little.
SecretFile::Live SecretFile::Get() const {
  const absl::Duration now = clock_->Elapsed();
  {
    absl::MutexLock lock(&mutex_);
    // After a pause, what is known may be revoked, or have moved to a file that was read before.
    if (looking_ && WasStale()) {
      mutex_.Await(absl::Condition(
          +[](bool* looking) { return !*looking; }, &looking_));
    }
    if (looking_ || now - looked_ < kLookInterval) return LiveAt(now);
    looking_ = true;
    looked_ = now;
  }
  std::string content;
  const absl::Status status = Read(content);
  Settle(status, std::move(content));
  absl::MutexLock lock(&mutex_);
  return LiveAt(now);
}

bool SecretFile::WasStale() const { return looked_ - settled_ >= kStale; }

SecretFile::Live SecretFile::LiveAt(absl::Duration now) const {
  Live live = {secret_};
  for (const Replaced& replaced : replaced_) {
    if (now < replaced.until) live.push_back(replaced.secret);
  }
  return live;
}

absl::Status SecretFile::Read(std::string& content) const {
  if (absl::Status status = ReadRegularFile(path_, kMostBytes, content); !status.ok()) {
    return status;
  }
  absl::string_view secret = content;
  if (absl::ConsumeSuffix(&secret, "\n")) absl::ConsumeSuffix(&secret, "\r");
  content.resize(secret.size());
  if (content.empty()) return Fault("is empty");
  return check_(content);
}

void SecretFile::Settle(const absl::Status& status, std::string content) const {
  const absl::Duration now = clock_->Elapsed();
  bool changed = false;
  bool is_news = false;
  {
    absl::MutexLock lock(&mutex_);
    if (status.ok()) {
      changed = content != *secret_;
      if (changed) Replace(std::move(content), now);
      refused_.clear();
    } else {
      is_news = status != fault_ || content != refused_;
      refused_ = std::move(content);
    }
    fault_ = status;
    settled_ = now;
    looking_ = false;
  }
  if (changed) log_->Info("base", "a secret has changed", {{"path", path_}});
  if (is_news) {
    log_->Warning("base", "a changed secret is no good, so the one before stays in use",
                  {{"path", path_}, {"reason", absl::StrCat("it ", status.message())}});
  }
}

void SecretFile::Replace(std::string content, absl::Duration now) const {
  replaced_.erase(std::remove_if(replaced_.begin(), replaced_.end(),
                                 [now](const Replaced& old) { return old.until <= now; }),
                  replaced_.end());
  if (!WasStale()) replaced_.insert(replaced_.begin(), {secret_, now + kReplacedIsLive});
  secret_ = std::make_shared<const std::string>(std::move(content));
}

}  // namespace onhook
