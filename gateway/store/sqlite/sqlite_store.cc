#include "gateway/store/sqlite/sqlite_store.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/store/sqlite/file_system_doubt.h"
#include "gateway/store/sqlite/sqlite_storage.h"

namespace onhook {
namespace {

// What may be written to the file system of `directory` by those who are not root.
absl::StatusOr<int64_t> FreeBytes(const std::string& directory) {
  struct statvfs file_system {};
  if (statvfs(directory.c_str(), &file_system) != 0) {
    return absl::UnavailableError(absl::StrCat(directory, ": ", std::strerror(errno)));
  }
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const uint64_t block = std::max<uint64_t>(file_system.f_frsize, 1);
  return static_cast<int64_t>(std::min<uint64_t>(file_system.f_bavail, kMost / block) * block);
}

// Whatever keeps a store from opening, a person is to look into this directory.
absl::Status WithDirectory(const absl::Status& status, const std::string& directory) {
  if (absl::StrContains(status.message(), directory)) return status;
  absl::Status with_directory(status.code(), absl::StrCat(directory, ": ", status.message()));
  // Whether it is damage is told beside the words.
  status.ForEachPayload([&with_directory](absl::string_view type, const absl::Cord& payload) {
    with_directory.SetPayload(type, payload);
  });
  return with_directory;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                       const Clock* clock, const Log* log,
                                                       CommitQueue::Fatal fatal) {
  absl::StatusOr<std::unique_ptr<Storage>> storage =
      SqliteStorage::Open(options.directory, options.progress);
  if (!storage.ok()) return WithDirectory(storage.status(), options.directory);
  if (const absl::string_view doubt = FileSystemDoubtOf(options.directory); !doubt.empty()) {
    log->Warning("store", doubt, {{"directory", options.directory}});
  }
  EmbeddedStoreOptions embedded = options.embedded;
  if (embedded.free_disk == nullptr) {
    embedded.free_disk = [directory = options.directory] { return FreeBytes(directory); };
  }
  absl::StatusOr<std::unique_ptr<Store>> store = EmbeddedStore::Open(
      *std::move(storage), v1::DURABILITY_CLASS_DISK, embedded, clock, log, std::move(fatal));
  if (!store.ok()) return WithDirectory(store.status(), options.directory);
  return store;
}

}  // namespace onhook
