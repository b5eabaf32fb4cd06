#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/store/sqlite/sqlite_store.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

using ::testing::UnorderedElementsAreArray;

// The spool as it is shipped: SQLite's files.
class SpoolOnDiskTest : public SpoolTest {
 protected:
  SpoolOnDiskTest() : path_(absl::StrCat(directory_.path(), "/0")) {}

  std::unique_ptr<Store> OpenSpool() override {
    SqliteStoreOptions options;
    options.directory = path_;
    options.embedded = spool_options_;
    auto spool = OpenSqliteStore(options, &clock_, &log_, [](const absl::Status& status) {
      ADD_FAILURE() << "fatal: " << status;
    });
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }
  // Puts so many events into the spool while the main store is away, so that nothing moves.
  std::vector<std::string> SpoolMany(int count) {
    SetReachable(absl::UnavailableError("no server answers"));
    Open();
    std::vector<std::string> spooled;
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(Append(absl::StrCat("call ", i)), "spooled");
      spooled.push_back(absl::StrCat("call ", i, ": content"));
    }
    return spooled;
  }
  // What a process that is killed now leaves is what the kernel has of its files.
  std::string FilesOfNow() {
    std::string copy = absl::StrCat(directory_.path(), "/", ++copies_);
    std::filesystem::copy(path_, copy);
    return copy;
  }
  void OpenOn(std::string files) {
    store_.reset();
    path_ = std::move(files);
    Open();
  }

  const TemporaryDirectory directory_;
  int copies_ = 0;
  std::string path_;
};

TEST_F(SpoolOnDiskTest, WhatWasAnsweredOutlivesTheProcess) {
  const std::vector<std::string> spooled = SpoolMany(200);
  OpenOn(FilesOfNow());
  EXPECT_EQ(Append("call 0"), "spooled before");
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), UnorderedElementsAreArray(spooled));
}

TEST_F(SpoolOnDiskTest, WhatWasMovedAndNotNotedBeforeACrashIsMovedAgainAndIsOneEvent) {
  const std::vector<std::string> spooled = SpoolMany(500);
  std::string files = FilesOfNow();
  SetReachable(absl::OkStatus());
  while (store_->log().last() < 100) std::this_thread::yield();
  OpenOn(std::move(files));
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), UnorderedElementsAreArray(spooled));
}

}  // namespace
}  // namespace onhook
