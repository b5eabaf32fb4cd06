#include "gateway/store/sqlite/sqlite_storage.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFlipOneByteOfEvent2[] =
    "UPDATE events SET event = CAST('X' || substr(event, 2) AS BLOB) WHERE sequence = 2";

// The embedded store over SQLite, in a directory of its own, on a disk that may fail.
class SqliteStorageTest : public EmbeddedStoreFixture {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }
  std::string Path(const std::string& name = "onhook.db") const {
    return directory_.path() + "/" + name;
  }
  // What a crash at this moment would leave behind.
  void CopyTo(const TemporaryDirectory& other) const {
    for (const char* name : {"onhook.db", "onhook.db-wal"}) {
      std::filesystem::copy(Path(name), other.path() + "/" + name);
    }
  }
  // Does something to the file of a store that is closed.
  void Tamper(const std::string& sql) {
    store_.reset();
    auto database = SqliteDatabase::Open(Path(), /*read_only=*/false);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = database->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_TRUE(database->Checkpoint(/*truncate=*/true).ok());
  }
  std::vector<Sequence> Find(EventQuery query) {
    std::vector<Sequence> found;
    absl::Notification done;
    store_->log().Find(std::move(query), [&](const auto& events) {
      EXPECT_TRUE(events.ok()) << events.status();
      for (const LogEventPtr& event : *events) found.push_back(event->sequence);
      done.Notify();
    });
    done.WaitForNotification();
    return found;
  }
  absl::StatusOr<Sequence> FindPlace(absl::Time time) {
    absl::StatusOr<Sequence> place;
    absl::Notification done;
    store_->log().FindPlace(time, [&](absl::StatusOr<Sequence> found) {
      place = found;
      done.Notify();
    });
    done.WaitForNotification();
    return place;
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_;
};

// --- opening

TEST_F(SqliteStorageTest, EventsAndTheStoresNameOutliveClosing) {
  Open();
  const std::string store_id = store_->store_id();
  EXPECT_THAT(store_id, SizeIs(16));
  AppendMany(3);
  Open();
  EXPECT_EQ(store_->store_id(), store_id);
  const absl::StatusOr<LogPage> page = Read(0);
  ASSERT_THAT(page->events, SizeIs(3));
  EXPECT_EQ(page->events[2]->event, "event call 3");
  EXPECT_EQ(page->events[2]->received_at, EventNamed("x").received_at);
  EXPECT_EQ(Append("call 2")->sequence, 2);
}

TEST_F(SqliteStorageTest, ADirectoryServesOneStoreAtATime) {
  Open();
  const absl::Status status = SqliteStorage::Open(directory_.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_.path()));
  store_.reset();
  EXPECT_TRUE(SqliteStorage::Open(directory_.path()).ok());
}

TEST_F(SqliteStorageTest, ADirectoryThatCannotBeCreatedIsNamed) {
  const std::string path = directory_.path() + "/missing/store";
  const absl::Status status = SqliteStorage::Open(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST_F(SqliteStorageTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(Path()) << std::string(8192, 'x');
  EXPECT_EQ(SqliteStorage::Open(directory_.path()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStorageTest, OpeningEmptiesTheWriteAheadLogAndClosingRemovesIt) {
  Open();
  AppendMany(10);
  EXPECT_GT(std::filesystem::file_size(Path("onhook.db-wal")), 0U);
  TemporaryDirectory crash;
  CopyTo(crash);
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_FALSE(std::filesystem::exists(Path("onhook.db-wal")));
  const auto crashed = SqliteStorage::Open(crash.path());
  ASSERT_TRUE(crashed.ok()) << crashed.status();
  EXPECT_EQ(std::filesystem::file_size(crash.path() + "/onhook.db-wal"), 0U);
  EXPECT_EQ((*crashed)->Recover()->last, 10);
}

// Another program that believes itself alone would remove the write-ahead log when it leaves.
TEST_F(SqliteStorageTest, AnotherProgramFindsTheDatabaseInUse) {
  Open();
  const pid_t child = fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const int file = open(Path().c_str(), O_RDWR);
    _exit(file >= 0 && fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_RDLCK ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// --- damage

TEST_F(SqliteStorageTest, AnAlteredEventIsCorruptAndNeverRead) {
  for (const char* alteration :
       {kFlipOneByteOfEvent2, "UPDATE events SET received_us = received_us + 1 WHERE sequence = 2",
        "UPDATE events SET stored_us = stored_us + 1 WHERE sequence = 2",
        "UPDATE events SET checksum = checksum + 1 WHERE sequence = 2",
        "UPDATE events SET event = (SELECT event FROM events WHERE sequence = 1)"
        " WHERE sequence = 2"}) {
    Open();
    AppendMany(3);
    Tamper(alteration);
    Open();
    const absl::StatusOr<LogPage> page = Read(0);
    ASSERT_THAT(page->events, SizeIs(3)) << alteration;
    EXPECT_FALSE(page->events[0]->corrupt) << alteration;
    EXPECT_TRUE(page->events[1]->corrupt) << alteration;
    EXPECT_EQ(page->events[1]->event, "") << alteration;
    EXPECT_EQ(page->events[2]->event, "event call 3") << alteration;
    Tamper("DELETE FROM events");
  }
}

TEST_F(SqliteStorageTest, ACorruptEventIsParkedAndTheRestGoesOn) {
  Open();
  AppendMany(3);
  Tamper(kFlipOneByteOfEvent2);
  Open();
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const PullResult pulled = consumer.PullWhenReady();
  EXPECT_THAT(SequencesOf(pulled), ElementsAre(1, 3));
  for (const Lease& lease : pulled.leases) EXPECT_THAT(Ack(queue, {lease.delivery_id}), IsEmpty());
  EXPECT_EQ(queue->Stats().dead_letters, 1) << "it is parked";
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_F(SqliteStorageTest, ADamagedSubscriptionIsRefused) {
  Open();
  Queue();
  Tamper("UPDATE subscriptions SET epoch = 'none'");
  auto storage = SqliteStorage::Open(directory_.path());
  const absl::Status status = (*storage)->Recover().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("crm"));
}

// --- a disk that fails

TEST_F(SqliteStorageTest, OnAFullDiskNothingIsStoredAndLaterItWorksAgain) {
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    Open();
    const Sequence last = store_->log().last();
    disk_.FailWrites(code);
    const absl::Status status = Append("new").status();
    EXPECT_EQ(status.code(), code == SQLITE_FULL ? absl::StatusCode::kResourceExhausted
                                                 : absl::StatusCode::kUnavailable);
    EXPECT_EQ(store_->log().last(), last);
    disk_.Heal();
    EXPECT_THAT(Find({"new"}), IsEmpty());
    AppendMany(1);
    EXPECT_EQ(store_->log().last(), last + 1);
    Open();
    EXPECT_EQ(store_->log().last(), last + 1);
  }
}

TEST_F(SqliteStorageTest, OnAFullDiskAcksAreToBeRepeated) {
  Open();
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  disk_.FailWrites(SQLITE_FULL);
  EXPECT_THAT(Ack(queue, {id}), ElementsAre("0:retry"));
  disk_.Heal();
  EXPECT_THAT(Ack(queue, {id}), IsEmpty());
  Open();
  EXPECT_EQ(Queue()->Stats().backlog_events, 0);
}

TEST_F(SqliteStorageTest, AFailedSyncIsFatalAndAnswersNothing) {
  Open();
  disk_.FailSyncs(SQLITE_IOERR_FSYNC);
  store_->log().Append(EventNamed("a"), [](const absl::StatusOr<AppendResult>&) {
    ADD_FAILURE() << "nobody knows whether it is stored";
  });
  EXPECT_TRUE(fatal_.HasBeenNotified());
}

TEST_F(SqliteStorageTest, AStoreThatCannotSyncWhatItFoundDoesNotOpen) {
  Open();
  AppendMany(1);
  TemporaryDirectory crash;
  CopyTo(crash);
  disk_.FailSyncs(SQLITE_IOERR_FSYNC);
  EXPECT_EQ(SqliteStorage::Open(crash.path()).status().code(), absl::StatusCode::kDataLoss);
  disk_.Heal();
}

TEST_F(SqliteStorageTest, TheWriteAheadLogStaysBoundedHoweverManyEventsCome) {
  Open();
  size_t largest = 0;
  for (int round = 0; round < 200; ++round) {
    absl::BlockingCounter answered(100);
    for (int i = 0; i < 100; ++i) {
      NewEvent event = EventNamed(absl::StrCat("call ", round, " ", i));
      event.event.resize(1000, 'x');
      store_->log().Append(std::move(event), [&answered](const auto& result) {
        EXPECT_TRUE(result.ok()) << result.status();
        answered.DecrementCount();
      });
    }
    answered.Wait();
    largest = std::max<size_t>(largest, std::filesystem::file_size(Path("onhook.db-wal")));
  }
  EXPECT_EQ(store_->log().last(), 20'000);
  EXPECT_LT(largest, 8U << 20);
}

// --- finding

TEST_F(SqliteStorageTest, APlaceInTimeIsFoundByHalving) {
  Open();
  const absl::Time start = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(*FindPlace(start), 0) << "nothing is there";
  for (int i = 1; i <= 9; ++i) {
    NewEvent event = EventNamed(absl::StrCat(i));
    event.received_at = start + i * absl::Seconds(10);
    ASSERT_TRUE(Append(std::move(event)).ok());
  }
  EXPECT_EQ(*FindPlace(absl::InfinitePast()), 0);
  EXPECT_EQ(*FindPlace(start), 0);
  for (int i = 1; i <= 9; ++i) {
    const absl::Time time = start + i * absl::Seconds(10);
    EXPECT_EQ(*FindPlace(time), i - 1) << i;
    EXPECT_EQ(*FindPlace(time + absl::Microseconds(1)), i) << i;
  }
  EXPECT_EQ(*FindPlace(absl::InfiniteFuture()), 9);
}

TEST_F(SqliteStorageTest, EventsAreFoundByTimeAlthoughTheirOrderIsNotExact) {
  Open();
  const absl::Time start = absl::FromUnixSeconds(1'000'000);
  const int seconds[] = {0, 200, 400, 390, 410, 600, 800};
  for (const int second : seconds) {
    NewEvent event = EventNamed(absl::StrCat(second));
    event.received_at = start + absl::Seconds(second);
    ASSERT_TRUE(Append(std::move(event)).ok());
  }
  EventQuery query;
  query.received_from = start + absl::Seconds(390);
  query.received_before = start + absl::Seconds(600);
  EXPECT_THAT(Find(query), ElementsAre(3, 4, 5));
  query.after = 3;
  EXPECT_THAT(Find(query), ElementsAre(4, 5));
  query.max_events = 1;
  EXPECT_THAT(Find(query), ElementsAre(4));
}

TEST_F(SqliteStorageTest, OneEventIsReadWhateverTheLimits) {
  options_.tail_bytes = 1;
  Open();
  AppendMany(3);
  EXPECT_THAT(Read(0, {0, 1000})->events, SizeIs(1));
  EXPECT_FALSE(Read(0, {0, 1000})->at_end);
  EXPECT_THAT(Read(0, {10, 0})->events, SizeIs(1));
  EXPECT_THAT(Read(0, {10, 24})->events, SizeIs(2));
}

// --- what is settled

TEST_F(SqliteStorageTest, WhatIsSettledOutlivesManyRowsOfTheJournal) {
  Open();
  QueuePtr queue = Queue();
  AppendMany(700);
  TestConsumer consumer(queue);
  for (const Lease& lease : consumer.Pull({1000, 1 << 20}).leases) {
    if (lease.event->sequence % 100 == 7) continue;
    ASSERT_THAT(Ack(queue, {lease.delivery_id}), IsEmpty());
  }
  EXPECT_EQ(faults_.count(Call::kSaveProgress), 2);
  Open();
  queue = Queue();
  EXPECT_EQ(queue->Stats().backlog_events, 7);
  TestConsumer after(queue);
  std::vector<Sequence> left;
  while (left.size() < 7) {
    for (const Sequence sequence : SequencesOf(after.PullWhenReady())) left.push_back(sequence);
  }
  EXPECT_THAT(left, ElementsAre(7, 107, 207, 307, 407, 507, 607));
}

TEST_F(SqliteStorageTest, ItsFilesAreItsOwnersAlone) {
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
  Open();
  for (const char* name : {"onhook.db", "onhook.db-wal", "onhook.db-shm", "lock"}) {
    EXPECT_EQ(std::filesystem::status(Path(name)).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << name;
  }
}

}  // namespace
}  // namespace onhook
