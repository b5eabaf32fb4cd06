#include "gateway/store/sqlite/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(SqliteStatusTest, EachCodeSaysWhatIsToBeDone) {
  const struct {
    int code;
    absl::StatusCode expected;
    const char* reason;
  } kRows[] = {
      {SQLITE_OK, absl::StatusCode::kOk, "no error"},
      {SQLITE_ROW, absl::StatusCode::kOk, "no error"},
      {SQLITE_DONE, absl::StatusCode::kOk, "no error"},
      {SQLITE_FULL, absl::StatusCode::kResourceExhausted, "no room on the disk"},
      {SQLITE_BUSY, absl::StatusCode::kUnavailable, "somebody else has a lock"},
      {SQLITE_BUSY_SNAPSHOT, absl::StatusCode::kUnavailable, "extended forms as the plain one"},
      {SQLITE_LOCKED, absl::StatusCode::kUnavailable, "likewise"},
      {SQLITE_NOMEM, absl::StatusCode::kUnavailable, "no memory now"},
      {SQLITE_CANTOPEN, absl::StatusCode::kUnavailable, "no descriptor, or no permission"},
      {SQLITE_CANTOPEN_ISDIR, absl::StatusCode::kUnavailable, "likewise"},
      {SQLITE_INTERRUPT, absl::StatusCode::kUnavailable, "stopped from outside"},
      {SQLITE_PERM, absl::StatusCode::kUnavailable, "an operator can mend it"},
      {SQLITE_READONLY, absl::StatusCode::kUnavailable, "likewise"},
      {SQLITE_IOERR_WRITE, absl::StatusCode::kUnavailable, "no commit was written"},
      {SQLITE_IOERR_READ, absl::StatusCode::kUnavailable, "nothing was changed"},
      {SQLITE_IOERR_NOMEM, absl::StatusCode::kUnavailable, "no memory now"},
      {SQLITE_IOERR_FSYNC, absl::StatusCode::kDataLoss, "nobody knows what is on disk"},
      {SQLITE_IOERR_DIR_FSYNC, absl::StatusCode::kDataLoss, "likewise"},
      {SQLITE_IOERR_TRUNCATE, absl::StatusCode::kDataLoss, "likewise"},
      {SQLITE_IOERR, absl::StatusCode::kDataLoss, "not said what failed"},
      {SQLITE_PROTOCOL, absl::StatusCode::kDataLoss, "a lock stays until the process ends"},
      {SQLITE_CORRUPT, absl::StatusCode::kDataLoss, "damaged"},
      {SQLITE_NOTADB, absl::StatusCode::kDataLoss, "damaged"},
      {SQLITE_CONSTRAINT_PRIMARYKEY, absl::StatusCode::kDataLoss, "our own rules are broken"},
      {SQLITE_ERROR, absl::StatusCode::kDataLoss, "unforeseen"},
      {SQLITE_MISUSE, absl::StatusCode::kDataLoss, "unforeseen"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(SqliteStatus(row.code, "testing").code(), row.expected)
        << sqlite3_errstr(row.code) << " " << row.code << ": " << row.reason;
  }
}

TEST(SqliteStatusTest, TheMessageNamesWhatFailedAndHow) {
  const std::string message(SqliteStatus(SQLITE_IOERR_FSYNC, "checkpoint").message());
  EXPECT_THAT(message, HasSubstr("checkpoint"));
  EXPECT_THAT(message, HasSubstr("disk I/O error"));
  EXPECT_THAT(message, HasSubstr("1034"));
}

class SqliteDatabaseTest : public ::testing::Test {
 protected:
  SqliteDatabaseTest() {
    auto database = SqliteDatabase::Open(directory_.path() + "/test.db", /*read_only=*/false);
    EXPECT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    EXPECT_TRUE(database_.Execute("CREATE TABLE t (a INTEGER, b TEXT, c BLOB)").ok());
  }

  TemporaryDirectory directory_;
  SqliteDatabase database_;
};

TEST_F(SqliteDatabaseTest, WhatIsBoundIsReadBack) {
  auto insert = database_.Prepare("INSERT INTO t VALUES (?, ?, ?)");
  const std::string blob("a\0b", 3);
  ASSERT_TRUE(insert->Bind(-5).BindText("text").BindBlob(blob).Run().ok());
  ASSERT_TRUE(insert->Bind(6).BindText("").BindBlob({}).Run().ok()) << "it can be run again";
  EXPECT_EQ(database_.Changes(), 1);
  auto query = database_.Prepare("SELECT a, b, c, c IS NULL FROM t ORDER BY a");
  ASSERT_TRUE(*query->Step());
  EXPECT_EQ(query->Integer(0), -5);
  EXPECT_EQ(query->Bytes(1), "text");
  EXPECT_EQ(query->Bytes(2), blob);
  ASSERT_TRUE(*query->Step());
  EXPECT_EQ(query->Bytes(2), "");
  EXPECT_EQ(query->Integer(3), 0) << "empty is not null";
  EXPECT_FALSE(*query->Step());
}

TEST_F(SqliteDatabaseTest, AStatementThatDoesNotParseSaysWhy) {
  const absl::Status status = database_.Prepare("SELECT nonsense FROM t").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such column: nonsense"));
}

TEST_F(SqliteDatabaseTest, AMissingFileIsNotCreatedForReading) {
  EXPECT_EQ(
      SqliteDatabase::Open(directory_.path() + "/none.db", /*read_only=*/true).status().code(),
      absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhook
