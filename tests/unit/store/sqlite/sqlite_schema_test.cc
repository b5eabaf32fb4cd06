#include "gateway/store/sqlite/sqlite_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/store/sqlite/sqlite_storage.h"
#include "gateway/store/store_damage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"
#include "tests/unit/store/sqlite/format_2.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A store in a file that an earlier version has left behind.
class SqliteSchemaTest : public EmbeddedStoreFixture {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }
  void Execute(const std::string& sql) const {
    auto database = SqliteDatabase::Open(Path(), /*read_only=*/false);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = database->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string Path() const { return directory_.path() + "/onhook.db"; }
  static std::vector<std::string> SchemaOf(const std::string& path) {
    auto database = SqliteDatabase::Open(path, /*read_only=*/true);
    auto rows = database->Prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL UNION ALL SELECT key FROM counters");
    std::vector<std::string> schema;
    while (rows->Step().value()) schema.emplace_back(rows->Bytes(0));
    std::sort(schema.begin(), schema.end());
    return schema;
  }
  int64_t Format() const {
    auto database = SqliteDatabase::Open(Path(), /*read_only=*/true);
    return database->Prepare("PRAGMA user_version")->FirstInteger(-1).value();
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_;
};

TEST_F(SqliteSchemaTest, AStoreOfTheFormatBeforeIsBroughtUpToDateWithAllItHolds) {
  Execute(kStoreOfFormat2);
  Open();
  EXPECT_EQ(store_->store_id(), "0123456789abcdef");
  const absl::StatusOr<LogPage> page = Read(0);
  ASSERT_EQ(page->events.size(), 1U);
  EXPECT_EQ(page->events[0]->event, "event 1");
  TestConsumer consumer(Queue());
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(1));
  NewEvent event = EventNamed("new");
  event.raw_body = "body";
  event.nonce = NewEvent::Nonce{"n", 1, true};
  ASSERT_TRUE(Append(event).ok());
  Open();
  event.digest = std::string(16, 'x');
  EXPECT_EQ(Append(event).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SqliteSchemaTest, AStoreBroughtUpToDateIsAsANewOne) {
  Execute(kStoreOfFormat2);
  ASSERT_TRUE(SqliteStorage::Open(directory_.path()).ok());
  EXPECT_EQ(Format(), 3);
  TemporaryDirectory new_directory;
  ASSERT_TRUE(SqliteStorage::Open(new_directory.path()).ok());
  EXPECT_EQ(SchemaOf(Path()), SchemaOf(new_directory.path() + "/onhook.db"));
}

TEST_F(SqliteSchemaTest, OnAFullDiskItStaysWhatItWas) {
  Execute(kStoreOfFormat2);
  const std::vector<std::string> before = SchemaOf(Path());
  disk_.FailWrites(SQLITE_FULL);
  EXPECT_FALSE(SqliteStorage::Open(directory_.path()).ok());
  disk_.Heal();
  EXPECT_EQ(Format(), 2);
  EXPECT_EQ(SchemaOf(Path()), before);
  EXPECT_TRUE(SqliteStorage::Open(directory_.path()).ok());
  EXPECT_EQ(Format(), 3);
}

TEST_F(SqliteSchemaTest, OtherFormatsAreRefusedAndLeftAlone) {
  for (const char* format : {"1", "4"}) {
    Execute(absl::StrCat("PRAGMA user_version=", format));
    const absl::Status status = SqliteStorage::Open(directory_.path()).status();
    EXPECT_TRUE(IsStoreDamage(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("format ", format)));
    EXPECT_EQ(absl::StrCat(Format()), format);
  }
}

}  // namespace
}  // namespace onhook
