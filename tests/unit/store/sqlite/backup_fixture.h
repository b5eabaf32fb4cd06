#ifndef ONHOOK_TESTS_UNIT_STORE_SQLITE_BACKUP_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_STORE_SQLITE_BACKUP_FIXTURE_H_

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gateway/store/sqlite/sqlite_restore.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {

// A store over SQLite in data(), copies of it in files, and what is restored from them.
class BackupFixture : public EmbeddedStoreFixture {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(data_);
  }

  static absl::Status Always() { return absl::OkStatus(); }

  static std::string BytesOf(BackupCopy& copy) {
    std::string bytes;
    while (true) {
      // Not a divisor of anything.
      const absl::StatusOr<std::string> chunk =
          copy.Read(static_cast<int64_t>(bytes.size()), 10'007);
      EXPECT_TRUE(chunk.ok()) << chunk.status();
      if (!chunk.ok() || chunk->empty()) return bytes;
      bytes += *chunk;
    }
  }

  // A backup of the store as it is now; the path of its file.
  std::string BackUp(const BackupGoOn& go_on = Always) {
    const auto copy = store_->MakeBackup(go_on);
    EXPECT_TRUE(copy.ok()) << copy.status();
    return directory_.Write("backup", copy.ok() ? BytesOf(**copy) : "");
  }

  // Opens what is in `data` from now on, in place of what was open.
  void OpenIn(const std::string& data) {
    store_.reset();
    data_ = data;
    Open();
  }
  // Restores `file` into a directory of this name, and opens that.
  RestoredStore Restore(const std::string& file, const std::string& name) {
    const auto restored = RestoreSqliteStore(file, Path(name), clock_.Now());
    EXPECT_TRUE(restored.ok()) << restored.status();
    OpenIn(Path(name));
    return restored.ok() ? *restored : RestoredStore();
  }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  // The files in a directory, but for its lock.
  static std::vector<std::string> FilesIn(const std::string& directory) {
    std::vector<std::string> names;
    if (!std::filesystem::exists(directory)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().filename() != "lock") names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TemporaryDirectory directory_;
  FaultyDisk sqlite_disk_;
  std::string data_ = directory_.path() + "/data";
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_SQLITE_BACKUP_FIXTURE_H_
