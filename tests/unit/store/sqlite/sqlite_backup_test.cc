#include "gateway/store/sqlite/sqlite_backup.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/escaping.h"
#include "gateway/event/sha256.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "tests/unit/store/sqlite/backup_fixture.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SqliteBackupTest : public BackupFixture {
 protected:
  bool HasCopyFile() const { return !Missing(Path("data/onhook.db.backup")); }
  static bool Missing(const std::string& path) { return !std::filesystem::exists(path); }

  // Does something to the store's file behind its back.
  void Tamper(const std::string& sql) {
    auto database = SqliteDatabase::Open(Path("data/onhook.db"), /*read_only=*/false);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = database->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
};

TEST_F(SqliteBackupTest, ACopyHoldsWhatWasStoredBeforeAndNothingThatCameWhileItWasMade) {
  Open();
  AppendMany(3);
  int asked = 0;
  const std::string file = BackUp([&] {
    ++asked;
    AppendMany(1);
    return absl::OkStatus();
  });
  EXPECT_GT(asked, 2);
  EXPECT_EQ(store_->log().last(), 3 + asked);
  Restore(file, "restored");
  EXPECT_EQ(store_->log().last(), 3);
  EXPECT_EQ(Read(0)->events.at(2)->event, "event call 3");
}

TEST_F(SqliteBackupTest, ItSaysWhatItIsOf) {
  Open();
  AppendMany(3);
  const auto copy = store_->MakeBackup(Always);
  ASSERT_TRUE(copy.ok()) << copy.status();
  const BackupFacts& facts = (*copy)->facts();
  const std::string bytes = BytesOf(**copy);
  EXPECT_EQ(facts.store_id, store_->store_id());
  EXPECT_EQ(facts.format, 3);
  EXPECT_EQ(facts.taken_at, clock_.Now());
  EXPECT_EQ(facts.newest, 3);
  EXPECT_EQ(facts.newest_received_at, EventNamed("call 3").received_at);
  EXPECT_EQ(facts.events, 3);
  EXPECT_EQ(facts.corrupt_events, 0);
  EXPECT_EQ(facts.bytes, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(facts.sha256, absl::BytesToHexString(Sha256(bytes)));
}

TEST_F(SqliteBackupTest, AStoreWithoutEventsIsCopiedToo) {
  Open();
  const std::string file = BackUp();
  const RestoredStore restored = Restore(file, "restored");
  EXPECT_EQ(restored.events, 0);
  EXPECT_EQ(Append("a")->sequence, 1);
}

TEST_F(SqliteBackupTest, TheFileOpensWithSqliteAsItIs) {
  Open();
  AppendMany(3);
  auto database = SqliteDatabase::OpenImmutable(BackUp());
  ASSERT_TRUE(database.ok()) << database.status();
  auto check = database->Prepare("PRAGMA integrity_check");
  ASSERT_TRUE(check.ok()) << check.status();
  ASSERT_TRUE(*check->Step());
  EXPECT_EQ(check->Bytes(0), "ok");
}

TEST_F(SqliteBackupTest, WhileItIsMadeItHasAFileOfItsOwnersAloneAndThenNoneAnyMore) {
  Open();
  AppendMany(3);
  int looked = 0;
  const auto copy = store_->MakeBackup([&] {
    struct stat found {};
    if (stat(Path("data/onhook.db.backup").c_str(), &found) == 0) {
      ++looked;
      EXPECT_EQ(found.st_mode & 0777, 0600u);
    }
    return absl::OkStatus();
  });
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_GT(looked, 0);
  EXPECT_THAT(FilesIn(data_), Not(Contains(HasSubstr("backup"))));
  EXPECT_FALSE(BytesOf(**copy).empty());
}

TEST_F(SqliteBackupTest, ThereIsOneCopyAtATime) {
  Open();
  auto first = store_->MakeBackup([&] {
    EXPECT_TRUE(absl::IsResourceExhausted(store_->MakeBackup(Always).status()));
    return absl::OkStatus();
  });
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = store_->MakeBackup(Always).status();
  EXPECT_TRUE(absl::IsResourceExhausted(second)) << second;
  EXPECT_THAT(second.message(), HasSubstr("another backup"));
  first->reset();
  EXPECT_TRUE(store_->MakeBackup(Always).ok());
}

TEST_F(SqliteBackupTest, ACopyMayOutliveItsStore) {
  Open();
  AppendMany(3);
  const auto copy = store_->MakeBackup(Always);
  store_.reset();
  EXPECT_FALSE(BytesOf(**copy).empty());
}

// Whatever it comes at: the pages, the checks or the sum.
TEST_F(SqliteBackupTest, WhoeverEndsItLeavesNothingBehindAndMayHaveAnother) {
  Open();
  AppendMany(3);
  int questions = 0;
  BackUp([&] {
    ++questions;
    return absl::OkStatus();
  });
  for (int last = 0; last < questions; ++last) {
    int asked = 0;
    const auto copy = store_->MakeBackup(
        [&] { return asked++ == last ? absl::CancelledError("enough") : absl::OkStatus(); });
    EXPECT_EQ(copy.status(), absl::CancelledError("enough"));
    EXPECT_FALSE(HasCopyFile()) << last;
  }
  EXPECT_TRUE(store_->MakeBackup(Always).ok());
}

TEST_F(SqliteBackupTest, WhatACrashLeftIsRemovedAtTheNextStart) {
  Open();
  for (const char* name : {"onhook.db.backup", "onhook.db.backup-journal"}) {
    std::ofstream(Path(std::string("data/") + name)) << "half";
  }
  Open();
  EXPECT_THAT(FilesIn(data_), ElementsAre("onhook.db", "onhook.db-shm", "onhook.db-wal"));
}

TEST_F(SqliteBackupTest, ADiskWithoutRoomForItRefusesItAtOnce) {
  int64_t free = int64_t{1} << 30;
  options_.minimum_free_disk = free - 1000;
  options_.free_disk = [&]() -> absl::StatusOr<int64_t> { return free; };
  Open();
  int asked = 0;
  const auto copy = store_->MakeBackup([&] {
    ++asked;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsResourceExhausted(copy.status())) << copy.status();
  EXPECT_THAT(copy.status().message(), HasSubstr("store.minimum_free_disk"));
  EXPECT_EQ(asked, 0);
}

TEST_F(SqliteBackupTest, ADiskThatFillsUpMeanwhileEndsItAndTheStoreGoesOn) {
  Open();
  AppendMany(3);
  sqlite_disk_.FailWrites(SQLITE_FULL);
  const auto copy = store_->MakeBackup(Always);
  EXPECT_TRUE(absl::IsResourceExhausted(copy.status())) << copy.status();
  sqlite_disk_.Heal();
  EXPECT_FALSE(HasCopyFile());
  EXPECT_TRUE(Append("d").ok());
  EXPECT_FALSE(fatal_.HasBeenNotified());
  EXPECT_TRUE(store_->MakeBackup(Always).ok());
}

TEST_F(SqliteBackupTest, AnEventThatIsCorruptInTheStoreIsSoInTheCopyAndCounted) {
  Open();
  AppendMany(3);
  Tamper("UPDATE events SET event = CAST('X' || substr(event, 2) AS BLOB) WHERE sequence = 2");
  const auto copy = store_->MakeBackup(Always);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->facts().corrupt_events, 1);
}

TEST_F(SqliteBackupTest, AStoreThatLacksSomethingGivesNoBackupThatLooksGood) {
  const std::pair<const char*, const char*> rows[] = {
      {"an event in the middle is gone", "DELETE FROM events WHERE sequence = 2"},
      {"an index lacks entries",
       "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
       " sqlite_schema WHERE name = 'nonces_age') WHERE name = 'events_identity'"},
  };
  for (const auto& [what, sql] : rows) {
    store_.reset();
    std::filesystem::remove_all(data_);
    Open();
    AppendMany(3);
    Tamper(sql);
    const auto copy = store_->MakeBackup(Always);
    EXPECT_TRUE(absl::IsDataLoss(copy.status())) << what << ": " << copy.status();
    EXPECT_FALSE(HasCopyFile());
  }
}

TEST_F(EmbeddedStoreFixture, AnEngineWithoutFilesMakesNoBackups) {
  Open();
  EXPECT_TRUE(absl::IsUnimplemented(store_->MakeBackup([] { return absl::OkStatus(); }).status()));
}

}  // namespace
}  // namespace onhook
