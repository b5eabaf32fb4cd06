#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_COPIER_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_COPIER_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/store/backup.h"
#include "gateway/store/embedded/free_disk.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// Makes copies of a storage that is in use: one at a time, and only while the disk keeps what it is
// to keep.
//
// Threads: any. Blocking: Copy, as the storage's; Close, until a copy that is being made has been
// given up.
class StorageCopier {
 public:
  // All must outlive this.
  StorageCopier(Storage* storage, const FreeDisk* free_disk, const Clock* clock)
      : storage_(storage), free_disk_(free_disk), clock_(clock) {}

  // As Store::MakeBackup. What it gives may outlive this.
  absl::StatusOr<std::unique_ptr<BackupCopy>> Copy(const BackupGoOn& go_on)
      ABSL_LOCKS_EXCLUDED(copying_);

  // Ends what is under way, and makes no more.
  void Close() ABSL_LOCKS_EXCLUDED(copying_);

 private:
  absl::StatusOr<std::unique_ptr<BackupCopy>> CopyWhereThereIsRoom(const BackupGoOn& go_on);
  // Whether so many bytes more leave the disk what it is to keep.
  absl::Status CheckRoomFor(int64_t bytes) const;

  Storage* const storage_;
  const FreeDisk* const free_disk_;
  const Clock* const clock_;
  absl::Mutex copying_;  // held while the storage copies, which takes long
  std::atomic<bool> closing_{false};
  // There is a copy, or it is being made.
  const std::shared_ptr<std::atomic<bool>> taken_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_COPIER_H_
