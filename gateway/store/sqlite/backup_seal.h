#ifndef ONHOOK_GATEWAY_STORE_SQLITE_BACKUP_SEAL_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_BACKUP_SEAL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/store/sequence.h"

namespace onhook {

// The end of a backup's file: behind the pages of an SQLite file, kBackupSealBytes of text that say
// what it is of, and that it is whole.
//
// Why there: whoever carries the bytes needs no format of ours, a file that was cut off shows it at
// once, and SQLite, which knows by itself where its pages end, still opens the file as it is.
//
// Pure functions. Threads: any. Blocking: never.
struct BackupSeal {
  std::string store_id;         // 16 lower-case hexadecimal digits
  int64_t format = 0;           // of the store's tables
  absl::Time taken_at;          // microseconds are kept
  Sequence newest = 0;          // of the events; 0: there is none
  int64_t database_bytes = 0;   // everything before the seal
  std::string database_sha256;  // of that, 64 lower-case hexadecimal digits
};

inline constexpr size_t kBackupSealBytes = 512;

// Exactly kBackupSealBytes.
std::string FormatBackupSeal(const BackupSeal& seal);

// Takes exactly what FormatBackupSeal gives. Errors: kDataLoss.
absl::StatusOr<BackupSeal> ParseBackupSeal(absl::string_view text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_BACKUP_SEAL_H_
