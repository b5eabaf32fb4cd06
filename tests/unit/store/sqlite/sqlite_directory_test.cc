#include "gateway/store/sqlite/sqlite_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class SqliteDirectoryTest : public testing::Test {
 protected:
  static std::string FaultOf(const std::string& directory) {
    return std::string(CheckSqliteDirectory(directory).message());
  }

  const TemporaryDirectory parent_;
  const std::string directory_ = parent_.path() + "/data";
};

TEST_F(SqliteDirectoryTest, OneThatCanBeMadeIsRightAndIsNotMade) {
  for (const std::string& directory : {directory_, directory_ + "/", directory_ + "//"}) {
    EXPECT_TRUE(CheckSqliteDirectory(directory).ok()) << CheckSqliteDirectory(directory);
    EXPECT_TRUE(CheckSqliteDirectoryIsFree(directory).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(parent_.path()));
}

TEST_F(SqliteDirectoryTest, OneThatIsThereIsRightAndNothingIsMadeInIt) {
  mkdir(directory_.c_str(), 0700);
  EXPECT_TRUE(CheckSqliteDirectory(directory_).ok());
  EXPECT_TRUE(CheckSqliteDirectoryIsFree(directory_).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(SqliteDirectoryTest, WhatIsWrongIsToldWithThePathAndWhatWouldDo) {
  const std::string file = parent_.Write("file", "");
  EXPECT_THAT(FaultOf(file), AllOf(StartsWith(file + " is no directory"),
                                   HasSubstr("; must be a directory that user ")));
  EXPECT_THAT(FaultOf(file + "/data"), HasSubstr("cannot be reached: Not a directory"));
  EXPECT_THAT(FaultOf(directory_ + "/deeper"),
              HasSubstr("cannot be made in " + directory_ + ": No such file or directory"));
  symlink("nowhere", directory_.c_str());
  EXPECT_THAT(FaultOf(directory_), HasSubstr("is a symbolic link to what does not exist"));
  EXPECT_EQ(LockSqliteDirectory(file).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteDirectoryTest, OneThatIsLockedIsNotFreeUntilItsLockIsClosed) {
  const absl::StatusOr<int> lock = LockSqliteDirectory(directory_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(CheckSqliteDirectoryIsFree(directory_), LockSqliteDirectory(directory_).status());
  EXPECT_EQ(CheckSqliteDirectoryIsFree(directory_).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(CheckSqliteDirectory(directory_).ok()) << "a gateway that runs is no fault of it";
  close(*lock);
  EXPECT_TRUE(CheckSqliteDirectoryIsFree(directory_).ok());
}

}  // namespace
}  // namespace onhook
