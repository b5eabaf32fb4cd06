#include "gateway/store/sqlite/file_system_doubt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/sqlite/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FileSystemDoubtTest, IsOfWhatDoesNotLastOrIsAnotherMachines) {
  // As statfs(2) lists them.
  EXPECT_THAT(FileSystemDoubt(0x01021994), HasSubstr("in memory")) << "tmpfs";
  EXPECT_THAT(FileSystemDoubt(0x858458f6), HasSubstr("in memory")) << "ramfs";
  EXPECT_THAT(FileSystemDoubt(0x794c7630), HasSubstr("a container's own layer")) << "overlayfs";
  EXPECT_THAT(FileSystemDoubt(0x6969), HasSubstr("another machine's disk")) << "NFS";
  EXPECT_THAT(FileSystemDoubt(0x517b), HasSubstr("another machine's disk")) << "SMB";
  EXPECT_THAT(FileSystemDoubt(0xff534d42), HasSubstr("another machine's disk")) << "CIFS";
  EXPECT_THAT(FileSystemDoubt(0xfe534d42), HasSubstr("another machine's disk")) << "SMB 2";
}

TEST(FileSystemDoubtTest, IsTheSameWhereTheTypeHas32BitsAndASign) {
  EXPECT_THAT(FileSystemDoubt(static_cast<int32_t>(0xff534d42)), HasSubstr("another machine's"));
}

TEST(FileSystemDoubtTest, IsNotOfADisk) {
  EXPECT_THAT(FileSystemDoubt(0xef53), IsEmpty()) << "ext4";
  EXPECT_THAT(FileSystemDoubt(0x58465342), IsEmpty()) << "xfs";
  EXPECT_THAT(FileSystemDoubt(0x9123683e), IsEmpty()) << "btrfs";
  EXPECT_THAT(FileSystemDoubt(0x2fc12fc1), IsEmpty()) << "zfs";
}

TEST(FileSystemDoubtTest, IsNotOfWhatCannotBeTold) {
  EXPECT_THAT(FileSystemDoubtOf("/nowhere/at/all"), IsEmpty());
}

// The log lines of a store's opening in `directory`.
std::vector<std::string> LinesOfOpening(const std::string& directory) {
  std::vector<std::string> lines;
  ManualClock clock;
  const Log log(&clock, LogLevel::kWarning, Log::Format::kText,
                [&lines](absl::string_view line) { lines.emplace_back(line); });
  SqliteStoreOptions options;
  options.directory = directory;
  EXPECT_TRUE(OpenSqliteStore(options, &clock, &log, [](const absl::Status&) {}).ok());
  return lines;
}

TEST(FileSystemDoubtTest, IsLoggedWhenAStoreIsOpenedInMemory) {
  std::string directory = "/dev/shm/onhook-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  EXPECT_THAT(LinesOfOpening(directory), Contains(HasSubstr("the store is in memory")));
  std::filesystem::remove_all(directory);
}

TEST(FileSystemDoubtTest, IsLoggedNowhereElse) {
  const TemporaryDirectory directory;
  const bool doubtful = !FileSystemDoubtOf(directory.path()).empty();
  const std::vector<std::string> lines = LinesOfOpening(directory.path());
  EXPECT_EQ(!lines.empty(), doubtful) << ::testing::PrintToString(lines);
}

}  // namespace
}  // namespace onhook
