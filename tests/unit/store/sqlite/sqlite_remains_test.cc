// What start-up makes of a store of which something is missing.
#include "gateway/store/sqlite/sqlite_remains.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gateway/store/sqlite/sqlite_loss.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "gateway/store/store_damage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFiles[] = {"onhook.db", "onhook.db-wal", "onhook.db-shm", "lock"};
constexpr int kEvents = 20;

class SqliteRemainsTest : public EmbeddedStoreFixture {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string Left(const std::string& name) const { return left_.path() + "/" + name; }
  // Leaves behind what a kill at this moment would.
  void Kill() {
    for (const char* name : kFiles) {
      if (std::filesystem::exists(Path(name))) {
        std::filesystem::copy_file(Path(name), Left(name),
                                   std::filesystem::copy_options::overwrite_existing);
      }
    }
  }
  // A store that was killed after so many events.
  void KillAfterEvents() {
    Open();
    AppendMany(kEvents);
    Kill();
  }
  void Flip(const std::string& name, int64_t offset) {
    std::fstream file(Left(name), std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(offset);
    const int byte = file.get();
    ASSERT_NE(byte, EOF);
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ 1));
  }
  void CutOff(const std::string& name, int64_t bytes) {
    const auto size = static_cast<int64_t>(std::filesystem::file_size(Left(name)));
    std::filesystem::resize_file(Left(name), static_cast<uintmax_t>(size - bytes));
  }
  // The newest event of what was left.
  absl::StatusOr<Sequence> Newest() {
    auto storage = SqliteStorage::Open(left_.path());
    if (!storage.ok()) return storage.status();
    const auto state = (*storage)->Recover();
    if (!state.ok()) return state.status();
    return state->last;
  }
  void ExpectRefused(const std::string& what) {
    const absl::Status status = Newest().status();
    EXPECT_TRUE(IsStoreDamage(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_THAT(std::string(status.message()), HasSubstr("--accept-loss " + left_.path()));
  }
  void ExpectCutOff() {
    const absl::Status status = Newest().status();
    EXPECT_TRUE(IsStoreDamage(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("has been cut off"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("--accept-loss")))
        << "it would be refused";
  }

  TemporaryDirectory directory_;
  TemporaryDirectory left_;
  FaultyDisk disk_;
};

TEST_F(SqliteRemainsTest, WhatAKillLeavesIsTakenOverWhenever) {
  Open();
  for (int i = 0; i < kEvents; ++i) {
    Kill();
    ASSERT_EQ(Newest().value_or(-1), i) << Newest().status();
    AppendMany(1);
  }
}

TEST_F(SqliteRemainsTest, AKillOfANextOneBeforeItPromisedAnythingIsNoLoss) {
  KillAfterEvents();
  for (int i = 0; i < 3; ++i) {
    // Opened, not recovered; what that leaves is what the next one finds.
    TemporaryDirectory other;
    {
      const auto storage = SqliteStorage::Open(left_.path());
      ASSERT_TRUE(storage.ok()) << storage.status();
      for (const char* name : kFiles) {
        std::filesystem::copy_file(Left(name), other.path() + "/" + name);
      }
    }
    const auto next = SqliteStorage::Open(other.path());
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ((*next)->Recover()->last, kEvents);
  }
}

TEST_F(SqliteRemainsTest, AfterAnEndInOrderThereIsNoLogToMiss) {
  Open();
  AppendMany(3);
  ASSERT_TRUE(store_->Close().ok());
  Kill();
  EXPECT_FALSE(std::filesystem::exists(Left("onhook.db-wal")));
  EXPECT_EQ(Newest().value_or(-1), 3);
}

TEST_F(SqliteRemainsTest, AMissingLogIsRefused) {
  KillAfterEvents();
  std::filesystem::remove(Left("onhook.db-wal"));
  ExpectRefused("onhook.db-wal is missing");
  EXPECT_FALSE(std::filesystem::exists(Left("onhook.db-wal"))) << "it was made by the refusal";
}

TEST_F(SqliteRemainsTest, AnEmptyLogIsRefused) {
  KillAfterEvents();
  std::filesystem::resize_file(Left("onhook.db-wal"), 0);
  ExpectRefused("onhook.db-wal is empty");
}

TEST_F(SqliteRemainsTest, ALogThatDoesNotBeginAsOneIsRefused) {
  for (const int64_t offset : {0, 9, 17, 25}) {
    KillAfterEvents();
    Flip("onhook.db-wal", offset);
    ExpectRefused("does not begin as one");
  }
}

TEST_F(SqliteRemainsTest, AfterAKillALogThatLacksItsLastCommitIsRefused) {
  KillAfterEvents();
  CutOff("onhook.db-wal", 1);
  ExpectRefused("damaged or cut off");
}

TEST_F(SqliteRemainsTest, AfterAPowerCutALogThatIsDamagedBeforeItsLastCommitIsRefused) {
  for (const int64_t offset : {32 + 16, 32 + 24 + 100, 32 + 4120 * 3 + 8}) {
    KillAfterEvents();
    std::filesystem::remove(Left("onhook.db-shm"));
    Flip("onhook.db-wal", offset);
    ExpectRefused("damaged or cut off");
  }
}

// The last commit may be half written after a power cut, and nobody was told of it.
TEST_F(SqliteRemainsTest, AfterAPowerCutTheLastCommitMayBeTorn) {
  KillAfterEvents();
  std::filesystem::remove(Left("onhook.db-shm"));
  CutOff("onhook.db-wal", 1);
  EXPECT_EQ(Newest().value_or(-1), kEvents - 1) << Newest().status();
}

TEST_F(SqliteRemainsTest, ALogThatEndsBeforeWhatTheDatabaseTookOverIsRefused) {
  Open();
  AppendMany(200);
  Kill();
  std::filesystem::remove(Left("onhook.db-shm"));
  // As after a checkpoint of all of it: the database has grown.
  TemporaryDirectory taken_over;
  std::filesystem::copy_file(Left("onhook.db"), taken_over.path() + "/onhook.db");
  std::filesystem::copy_file(Left("onhook.db-wal"), taken_over.path() + "/onhook.db-wal");
  ASSERT_TRUE(SqliteStorage::Open(taken_over.path()).ok());
  std::filesystem::copy_file(taken_over.path() + "/onhook.db", Left("onhook.db"),
                             std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(CheckSqliteRemains(left_.path()).ok()) << CheckSqliteRemains(left_.path());
  std::filesystem::resize_file(Left("onhook.db-wal"), 32 + 4120 * 8);
  ExpectRefused("ends before what onhook.db has already taken over");
}

TEST_F(SqliteRemainsTest, ADatabaseThatWasClosedAndIsCutOffByLessThanAPageIsRefused) {
  Open();
  AppendMany(3);
  ASSERT_TRUE(store_->Close().ok());
  Kill();
  EXPECT_TRUE(CheckSqliteRemains(left_.path()).ok());
  CutOff("onhook.db", 1);
  ExpectCutOff();
}

TEST_F(SqliteRemainsTest, ADatabaseThatIsCutOffIsRefused) {
  KillAfterEvents();
  CutOff("onhook.db", 4096);
  ExpectCutOff();
}

TEST_F(SqliteRemainsTest, AMissingOrEmptyDatabaseIsRefusedWithItsLogAndWithoutIt) {
  KillAfterEvents();
  std::filesystem::resize_file(Left("onhook.db"), 0);
  ExpectRefused("onhook.db is missing or empty beside");
  std::filesystem::remove(Left("onhook.db"));
  ExpectRefused("onhook.db is missing or empty beside");
  std::filesystem::remove(Left("onhook.db-wal"));
  ExpectRefused("although there was a store here");
  EXPECT_FALSE(std::filesystem::exists(Left("onhook.db")));
}

TEST_F(SqliteRemainsTest, ANewerOpeningByAnotherVersionMakesTheMarkMeanNothing) {
  KillAfterEvents();
  {
    auto database = SqliteDatabase::Open(Left("onhook.db"), /*read_only=*/false);
    ASSERT_TRUE(database.ok());
    EXPECT_TRUE(IsMarkedOpen(*database).value_or(false));
    ASSERT_TRUE(
        database->Execute("UPDATE counters SET value = value + 1 WHERE key = 'openings'").ok());
    EXPECT_FALSE(IsMarkedOpen(*database).value_or(true));
    ASSERT_TRUE(database->Checkpoint(/*truncate=*/true).ok());
  }
  std::filesystem::remove(Left("onhook.db-wal"));
  EXPECT_EQ(Newest().value_or(-1), kEvents) << Newest().status();
}

// --- going on without what is missing

TEST_F(SqliteRemainsTest, WhoAcceptsALossGoesOnAsAnotherStore) {
  Open();
  AppendMany(kEvents);
  Kill();
  std::filesystem::remove(Left("onhook.db-wal"));
  std::filesystem::remove(Left("onhook.db-shm"));
  const std::string before = store_->store_id();
  const absl::StatusOr<std::string> done = AcceptSqliteLoss(left_.path(), clock_.Now());
  ASSERT_TRUE(done.ok()) << done.status();
  const auto storage = SqliteStorage::Open(left_.path());
  ASSERT_TRUE(storage.ok()) << storage.status();
  const auto state = (*storage)->Recover();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_NE(state->store_id, before);
  ASSERT_EQ(state->ancestors.size(), 1U);
  EXPECT_EQ(state->ancestors[0].kind, StoreAncestor::Kind::kLossAccepted);
  EXPECT_EQ(state->ancestors[0].store_id, before);
  EXPECT_EQ(state->ancestors[0].newest, state->last);
}

TEST_F(SqliteRemainsTest, ALossThatWasBegunToBeAcceptedIsAcceptedToTheEnd) {
  KillAfterEvents();
  std::ofstream(Left("onhook.db-wal.lost")) << "kept before";
  std::ofstream(Left("onhook.db.accepting-loss"));
  ExpectRefused("was begun, and not brought to an end");
  ASSERT_TRUE(AcceptSqliteLoss(left_.path(), clock_.Now()).ok());
  EXPECT_FALSE(std::filesystem::exists(Left("onhook.db.accepting-loss")));
  EXPECT_EQ(std::filesystem::file_size(Left("onhook.db-wal.lost")), 11U) << "what was kept stays";
  const auto state = SqliteStorage::Open(left_.path()).value()->Recover();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->ancestors.size(), 1U);
}

TEST_F(SqliteRemainsTest, ADeliveryIdOfBeforeALossSettlesNothingAfterIt) {
  Open();
  QueuePtr queue = Queue();
  AppendMany(1);
  const std::string delivery_id = TestConsumer(queue).Pull().leases.at(0).delivery_id;
  Open();  // the subscription is in the database now
  Kill();
  std::filesystem::remove(Left("onhook.db-wal"));
  ASSERT_TRUE(AcceptSqliteLoss(left_.path(), clock_.Now()).ok());
  store_.reset();
  auto store =
      EmbeddedStore::Open(SqliteStorage::Open(left_.path()).value(), v1::DURABILITY_CLASS_DISK,
                          options_, &clock_, &log_, [](const absl::Status&) {});
  ASSERT_TRUE(store.ok()) << store.status();
  const auto found = (*store)->FindQueue("crm");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(Ack(*found, {delivery_id}), ::testing::ElementsAre("0:unknown"));
}

TEST_F(SqliteRemainsTest, WhoAcceptsThatTheDatabaseIsGoneBeginsAnEmptyStore) {
  KillAfterEvents();
  std::filesystem::remove(Left("onhook.db"));
  ASSERT_TRUE(AcceptSqliteLoss(left_.path(), clock_.Now()).ok());
  EXPECT_TRUE(std::filesystem::exists(Left("onhook.db-wal.lost")));
  EXPECT_EQ(Newest().value_or(-1), 0);
}

TEST_F(SqliteRemainsTest, WhereNothingIsMissingNothingIsAccepted) {
  KillAfterEvents();
  const absl::StatusOr<std::string> done = AcceptSqliteLoss(left_.path(), clock_.Now());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(*done, HasSubstr("nothing was changed"));
  EXPECT_EQ(Newest().value_or(-1), kEvents);
}

TEST_F(SqliteRemainsTest, NoLossIsAcceptedOfAStoreThatIsInUse) {
  Open();
  EXPECT_EQ(AcceptSqliteLoss(directory_.path(), clock_.Now()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(AcceptSqliteLoss(directory_.path() + "/none", clock_.Now()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onhook
