#ifndef ONHOOK_TESTS_SUPPORT_FAKE_BACKUP_H_
#define ONHOOK_TESTS_SUPPORT_FAKE_BACKUP_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "gateway/event/sha256.h"
#include "gateway/store/backup.h"

namespace onhook {

// A copy of these bytes, of no store.
class FakeBackup final : public BackupCopy {
 public:
  // `*copies`, if given, is how many there are.
  explicit FakeBackup(std::string content, std::atomic<int>* copies = nullptr)
      : content_(std::move(content)), copies_(copies) {
    facts_.store_id = "0123456789abcdef";
    facts_.format = 3;
    facts_.taken_at = absl::FromUnixSeconds(1'645'524'280);
    facts_.newest = facts_.events = 2;
    facts_.newest_received_at = facts_.taken_at - absl::Seconds(1);
    facts_.bytes = static_cast<int64_t>(content_.size());
    facts_.sha256 = absl::BytesToHexString(onhook::Sha256(content_));
    if (copies_ != nullptr) ++*copies_;
  }
  ~FakeBackup() override {
    if (copies_ != nullptr) --*copies_;
  }

  const BackupFacts& facts() const override { return facts_; }
  absl::StatusOr<std::string> Read(int64_t offset, size_t most) override {
    return content_.substr(static_cast<size_t>(offset), most);
  }

 private:
  const std::string content_;
  std::atomic<int>* const copies_;
  BackupFacts facts_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAKE_BACKUP_H_
