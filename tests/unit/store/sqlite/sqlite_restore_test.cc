#include "gateway/store/sqlite/sqlite_restore.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/store/sqlite/backup_seal.h"
#include "tests/unit/store/sqlite/backup_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteRestoreTest : public BackupFixture {
 protected:
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Of what is refused nothing is left but the mark that something was to come.
  void ExpectMarkAlone() {
    EXPECT_THAT(FilesIn(Path("refused")), ElementsAre("onhook.db.restoring"));
    EXPECT_EQ(Content(Path("refused/onhook.db.restoring")), "");
    const absl::Status started = SqliteStorage::Open(Path("refused")).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(started)) << started;
  }
  // What comes of restoring these bytes.
  absl::Status RestoreBytes(const std::string& bytes) {
    const auto restored =
        RestoreSqliteStore(directory_.Write("altered", bytes), Path("refused"), clock_.Now());
    if (!restored.ok()) {
      ExpectMarkAlone();
    }
    return restored.status();
  }
};

TEST_F(SqliteRestoreTest, TheNewStoreHasANameOfItsOwnAndKnowsWhereItComesFrom) {
  Open();
  AppendMany(3);
  const std::string before = store_->store_id();
  const absl::Time taken_at = clock_.Now();
  const std::string file = BackUp();
  clock_.Advance(absl::Hours(1));
  const RestoredStore restored = Restore(file, "restored");
  EXPECT_EQ(store_->store_id(), restored.store_id);
  EXPECT_NE(store_->store_id(), before);
  ASSERT_THAT(store_->ancestors(), SizeIs(1));
  const StoreAncestor ancestor = store_->ancestors()[0];
  EXPECT_EQ(ancestor.store_id, before);
  EXPECT_EQ(ancestor.taken_at, taken_at);
  EXPECT_EQ(ancestor.newest, 3);
  EXPECT_EQ(ancestor.renewed_at, clock_.Now());
  EXPECT_EQ(restored.events, 3);
  EXPECT_THAT(log_lines_, testing::Contains(HasSubstr("this store was restored from a backup")));
}

TEST_F(SqliteRestoreTest, AStoreRemembersEveryStoreThatItGoesBackTo) {
  Open();
  AppendMany(1);
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(store_->store_id());
    Restore(BackUp(), absl::StrCat("restored ", i));
    AppendMany(1);
  }
  ASSERT_THAT(store_->ancestors(), SizeIs(12));
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(store_->ancestors()[i].store_id, ids[i]);
    EXPECT_EQ(store_->ancestors()[i].newest, static_cast<Sequence>(i) + 1);
  }
}

TEST_F(SqliteRestoreTest, WhatWasSettledStaysSoAndWhatWasNotComesAgain) {
  Open();
  const QueuePtr queue = Queue();
  AppendMany(3);
  TestConsumer consumer(queue);
  const PullResult pulled = consumer.PullWhenReady();
  ASSERT_THAT(SequencesOf(pulled), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ack(queue, {pulled.leases[1].delivery_id}), IsEmpty());
  const std::string file = BackUp();
  EXPECT_THAT(Ack(queue, {pulled.leases[0].delivery_id}), IsEmpty());
  consumer.Detach();
  Restore(file, "restored");
  TestConsumer again(Queue());
  EXPECT_THAT(SequencesOf(again.PullWhenReady()), ElementsAre(1, 3));
}

// One that was stored after the backup has the sequence of another in the store restored from it.
TEST_F(SqliteRestoreTest, ADeliveryIdOfTheStoreBeforeSettlesNothing) {
  Open();
  const QueuePtr queue = Queue();
  const std::string file = BackUp();
  AppendMany(1);
  TestConsumer consumer(queue);
  const std::string before = consumer.PullWhenReady().leases.at(0).delivery_id;
  consumer.Detach();
  Restore(file, "restored");
  ASSERT_EQ(Append("another")->sequence, 1);
  TestConsumer again(Queue());
  EXPECT_THAT(SequencesOf(again.PullWhenReady()), ElementsAre(1));
  EXPECT_THAT(Ack(Queue(), {before}), ElementsAre("0:unknown"));
}

TEST_F(SqliteRestoreTest, ARepeatOfWhatTheBackupHoldsIsStillADuplicate) {
  Open();
  ASSERT_TRUE(Append("a").ok());
  Restore(BackUp(), "restored");
  const auto repeated = Append("a");
  EXPECT_TRUE(repeated->duplicate);
  EXPECT_EQ(repeated->sequence, 1);
  EXPECT_FALSE(Append("b")->duplicate);
}

TEST_F(SqliteRestoreTest, OneFileComesOfItThatIsItsOwnersAlone) {
  Open();
  const std::string file = BackUp();
  ASSERT_TRUE(RestoreSqliteStore(file, Path("restored"), clock_.Now()).ok());
  EXPECT_THAT(FilesIn(Path("restored")), ElementsAre("onhook.db"));
  struct stat found {};
  ASSERT_EQ(stat(Path("restored/onhook.db").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(SqliteRestoreTest, ABackupThatWasCutOffIsRefused) {
  Open();
  AppendMany(1);
  const std::string whole = Content(BackUp());
  for (size_t size = 0; size < whole.size(); size += size + 1000 < whole.size() ? 1000 : 1) {
    const absl::Status status = RestoreBytes(whole.substr(0, size));
    ASSERT_TRUE(absl::IsDataLoss(status)) << size << ": " << status;
  }
  EXPECT_TRUE(absl::IsDataLoss(RestoreBytes(whole + "\n")));
  EXPECT_TRUE(RestoreBytes(whole).ok());
}

TEST_F(SqliteRestoreTest, ABackupWithAnyBitTurnedIsRefused) {
  Open();
  AppendMany(1);
  const std::string whole = Content(BackUp());
  const size_t seal = whole.size() - kBackupSealBytes;
  for (size_t at = 0; at < whole.size(); at += at < seal ? 997 : 1) {
    std::string altered = whole;
    altered[at] = static_cast<char>(altered[at] ^ (1 << (at % 8)));
    const absl::Status status = RestoreBytes(altered);
    ASSERT_TRUE(absl::IsDataLoss(status)) << at << ": " << status;
  }
}

TEST_F(SqliteRestoreTest, ABackupOfAFormatToComeIsRefused) {
  Open();
  const std::string whole = Content(BackUp());
  const absl::Status status =
      RestoreBytes(absl::StrReplaceAll(whole, {{"\nformat 3\n", "\nformat 9\n"}}));
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("format 9"));
}

TEST_F(SqliteRestoreTest, AFileThatIsNotThereOrIsNoneIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(
      RestoreSqliteStore(Path("nothing"), Path("refused"), clock_.Now()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      RestoreSqliteStore(directory_.path(), Path("refused"), clock_.Now()).status()));
  ExpectMarkAlone();
}

TEST_F(SqliteRestoreTest, ADirectoryThatHoldsAStoreOrIsInUseIsRefused) {
  Open();
  const std::string file = BackUp();
  const absl::Status in_use = RestoreSqliteStore(file, data_, clock_.Now()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(in_use)) << in_use;
  store_.reset();
  const std::string before = Content(data_ + "/onhook.db");
  const absl::Status holds = RestoreSqliteStore(file, data_, clock_.Now()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(holds)) << holds;
  EXPECT_THAT(holds.message(), HasSubstr("is there already"));
  EXPECT_EQ(Content(data_ + "/onhook.db"), before);
  // What a database that was deleted has left beside it may be all there is of the newest events.
  std::filesystem::create_directory(Path("other"));
  std::ofstream(Path("other/onhook.db-wal")) << "log";
  EXPECT_TRUE(
      absl::IsFailedPrecondition(RestoreSqliteStore(file, Path("other"), clock_.Now()).status()));
}

TEST_F(SqliteRestoreTest, AfterARestoreThatWasInterruptedNoGatewayBeginsAnEmptyStore) {
  Open();
  AppendMany(3);
  const std::string file = BackUp();
  store_.reset();
  std::filesystem::create_directory(Path("restored"));
  std::ofstream(Path("restored/onhook.db.restoring")) << "half";
  const absl::Status started = SqliteStorage::Open(Path("restored")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(started)) << started;
  EXPECT_THAT(started.message(), HasSubstr("--restore"));
  Restore(file, "restored");
  EXPECT_EQ(store_->log().last(), 3);
  EXPECT_THAT(FilesIn(Path("restored")),
              ElementsAre("onhook.db", "onhook.db-shm", "onhook.db-wal"));
}

}  // namespace
}  // namespace onhook
