#include "gateway/store/embedded/storage_copier.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// A copy that lets another be made when it goes.
class OnlyCopy final : public BackupCopy {
 public:
  OnlyCopy(std::unique_ptr<BackupCopy> copy, std::shared_ptr<std::atomic<bool>> taken)
      : copy_(std::move(copy)), taken_(std::move(taken)) {}
  ~OnlyCopy() override {
    copy_.reset();
    *taken_ = false;
  }

  const BackupFacts& facts() const override { return copy_->facts(); }
  absl::StatusOr<std::string> Read(int64_t offset, size_t most) override {
    return copy_->Read(offset, most);
  }

 private:
  std::unique_ptr<BackupCopy> copy_;
  const std::shared_ptr<std::atomic<bool>> taken_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BackupCopy>> StorageCopier::Copy(const BackupGoOn& go_on) {
  if (taken_->exchange(true)) {
    return absl::ResourceExhaustedError("another backup is being made, or fetched");
  }
  absl::StatusOr<std::unique_ptr<BackupCopy>> copy = CopyWhereThereIsRoom(go_on);
  if (!copy.ok()) {
    *taken_ = false;
    return copy.status();
  }
  return std::make_unique<OnlyCopy>(*std::move(copy), taken_);
}

absl::StatusOr<std::unique_ptr<BackupCopy>> StorageCopier::CopyWhereThereIsRoom(
    const BackupGoOn& go_on) {
  const absl::MutexLock lock(&copying_);
  if (absl::Status room = CheckRoomFor(storage_->SizeInBytes()); !room.ok()) return room;
  return storage_->Copy(clock_->Now(), [this, &go_on]() -> absl::Status {
    // What comes in meanwhile takes room too.
    const absl::Status room = CheckRoomFor(0);
    return room.ok() ? go_on() : room;
  });
}

void StorageCopier::Close() {
  closing_ = true;
  const absl::MutexLock lock(&copying_);
}

absl::Status StorageCopier::CheckRoomFor(int64_t bytes) const {
  if (closing_) return absl::UnavailableError("the store is closing");
  const std::optional<int64_t> free = free_disk_->FreeNow();
  if (!free.has_value() || *free - bytes >= free_disk_->minimum()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk has no room for a copy of ", storage_->SizeInBytes(), " bytes: ", *free,
      " are free, of which store.minimum_free_disk keeps ", free_disk_->minimum()));
}

}  // namespace onhook
