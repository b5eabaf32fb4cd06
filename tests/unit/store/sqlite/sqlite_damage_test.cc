// What stands beside events, on a disk that alters it, or fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/store/sqlite/sqlite_storage.h"
#include "gateway/store/store_damage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

NewRejectedCallback CallbackOf(const std::string& body) {
  NewRejectedCallback callback;
  callback.source = "default";
  callback.received_at = absl::FromUnixSeconds(1'645'524'280);
  callback.reason = v1::RejectedCallback::REASON_MALFORMED;
  callback.raw_body = body;
  return callback;
}

class SqliteDamageTest : public EmbeddedStoreFixture {
 protected:
  SqliteDamageTest() { Open(); }

  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }
  // Does something to the file behind the store's back.
  void TamperAndOpen(const std::string& sql) {
    store_.reset();
    {
      auto database = SqliteDatabase::Open(directory_.path() + "/onhook.db", /*read_only=*/false);
      ASSERT_TRUE(database.ok()) << database.status();
      ASSERT_TRUE(database->Execute(sql).ok());
      ASSERT_TRUE(database->Checkpoint(/*truncate=*/true).ok());
    }
    Open();
  }
  // Changes events and leaves the index of their identities as it was.
  void TamperBehindTheIndex(const std::string& sql) {
    store_.reset();
    const std::string steps[] = {
        "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'events_identity';"
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'events_identity'",
        sql,
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept;"
        "DROP TABLE kept"};
    for (const std::string& step : steps) {
      auto database = SqliteDatabase::Open(directory_.path() + "/onhook.db", /*read_only=*/false);
      ASSERT_TRUE(database.ok()) << database.status();
      const absl::Status status = database->Execute(step);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_TRUE(database->Checkpoint(/*truncate=*/true).ok());
    }
  }
  template <typename Result, typename Ask>
  absl::StatusOr<Result> Answer(Ask ask) {
    absl::Notification answered;
    absl::StatusOr<Result> answer;
    ask([&](absl::StatusOr<Result> result) {
      answer = std::move(result);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }
  absl::StatusOr<int64_t> Keep(const std::string& body) {
    return Answer<int64_t>(
        [&](auto done) { store_->quarantine().Keep(CallbackOf(body), std::move(done)); });
  }
  absl::StatusOr<RejectedCallback> Get(int64_t id) {
    return Answer<RejectedCallback>(
        [&](auto done) { store_->quarantine().Get(id, std::move(done)); });
  }
  std::vector<RejectedCallback> List() {
    return Answer<std::vector<RejectedCallback>>(
               [&](auto done) { store_->quarantine().List({}, std::move(done)); })
        .value();
  }
  absl::StatusOr<std::optional<std::string>> RawBodyOf(Sequence sequence) {
    return Answer<std::optional<std::string>>(
        [&](auto done) { store_->log().FindRawBody(sequence, std::move(done)); });
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_;
};

TEST_F(SqliteDamageTest, AnAlteredCallbackIsListedAndNotGiven) {
  for (const char* alteration : {"body = x'00'", "detail = 'x'", "source = 'x'", "reason = 4",
                                 "content_type = 'x'", "received_us = received_us + 1"}) {
    const int64_t id = *Keep("body");
    TamperAndOpen(absl::StrCat("UPDATE rejected_callbacks SET ", alteration));
    EXPECT_THAT(List(), SizeIs(1)) << alteration;
    const absl::Status status = Get(id).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << alteration;
    EXPECT_THAT(std::string(status.message()), HasSubstr("checksum"));
    TamperAndOpen("DELETE FROM rejected_callbacks");
  }
}

TEST_F(SqliteDamageTest, WhatComesAgainTakesTheAlteredOnesPlace) {
  const int64_t id = *Keep("body");
  TamperAndOpen("UPDATE rejected_callbacks SET detail = 'x'");
  const int64_t again = *Keep("body");
  EXPECT_GT(again, id);
  EXPECT_EQ(Get(again)->callback.raw_body, "body");
  EXPECT_THAT(List(), SizeIs(1));
}

TEST_F(SqliteDamageTest, WhatWasKeptJustNowStaysThoughTheCountIsWrong) {
  ASSERT_TRUE(Keep("one").ok());
  TamperAndOpen("UPDATE rejected_callback_bytes SET bytes = 1 << 40");
  const int64_t id = *Keep("two");
  EXPECT_EQ(Get(id)->callback.raw_body, "two");
}

TEST_F(SqliteDamageTest, ACountThatIsWrongIsForgottenWithTheSourcesLastCallback) {
  const int64_t first = *Keep("one");
  TamperAndOpen("UPDATE rejected_callback_bytes SET bytes = 1 << 40");
  const auto discarded = Answer<std::vector<int64_t>>(
      [&](auto done) { store_->quarantine().Discard({first}, std::move(done)); });
  ASSERT_TRUE(discarded.ok());
  for (const char* body : {"two", "three"}) ASSERT_TRUE(Keep(body).ok());
  EXPECT_THAT(List(), SizeIs(2));
}

TEST_F(SqliteDamageTest, AnAlteredBodyOfAnEventIsNotGivenAndTheEventIs) {
  NewEvent event = EventNamed("a");
  event.raw_body = "body";
  ASSERT_TRUE(Append(event).ok());
  EXPECT_EQ(RawBodyOf(1)->value(), "body");
  TamperAndOpen("UPDATE raw_bodies SET body = x'00'");
  EXPECT_EQ(RawBodyOf(1).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Read(0)->events.at(0)->event, "event a");
}

// --- a repeat of an event that the disk has lost

TEST_F(SqliteDamageTest, ARepeatWritesADamagedEventAnew) {
  for (const char* damage :
       {"event = x'00'", "received_us = 1", "checksum = 1", "end_offset = 7"}) {
    Open();
    const std::string call = absl::StrCat("call ", damage);
    for (const std::string& name : {"before " + call, call, "after " + call}) {
      ASSERT_TRUE(Append(name).ok());
    }
    const Sequence sequence = store_->log().last() - 1;
    TamperAndOpen(absl::StrCat("UPDATE events SET ", damage, " WHERE sequence = ", sequence));
    EXPECT_TRUE(Read(sequence - 1)->events.at(0)->corrupt) << damage;
    const absl::StatusOr<AppendResult> repeat = Append(call);
    ASSERT_TRUE(repeat.ok()) << repeat.status();
    EXPECT_TRUE(repeat->duplicate);
    EXPECT_EQ(repeat->sequence, sequence);
    EXPECT_EQ(Read(sequence - 1)->events.at(0)->event, "event " + call) << damage;
    EXPECT_EQ(Read(0)->events.size(), static_cast<size_t>(sequence + 1));
  }
}

TEST_F(SqliteDamageTest, WhatWasParkedAsDamagedAndWrittenAnewIsRedrivenWhole) {
  Queue();
  AppendMany(3);
  TamperAndOpen("UPDATE events SET event = x'00' WHERE sequence = 2");
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  std::vector<Sequence> received;
  while (received.size() < 2) {
    for (const Sequence sequence : SequencesOf(consumer.PullWhenReady())) {
      received.push_back(sequence);
    }
  }
  EXPECT_THAT(received, ElementsAre(1, 3));
  ASSERT_TRUE(Append("call 2")->duplicate);
  const absl::StatusOr<DeadLetterOutcome> redriven = Answer<DeadLetterOutcome>([&](auto done) {
    queue->Redrive({true, {}}, std::move(done));
  });
  ASSERT_TRUE(redriven.ok()) << redriven.status();
  EXPECT_EQ(redriven->done, 1);
  const PullResult pulled = consumer.PullWhenReady();
  ASSERT_THAT(SequencesOf(pulled), ElementsAre(2));
  EXPECT_EQ(pulled.leases.front().event->event, "event call 2");
}

TEST_F(SqliteDamageTest, ARepeatWhoseRowIsGoneIsStoredInItsPlace) {
  AppendMany(3);
  TamperBehindTheIndex("DELETE FROM events WHERE sequence = 2");
  Open();
  const absl::StatusOr<AppendResult> repeat = Append("call 2");
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->sequence, 2);
  EXPECT_EQ(Read(1)->events.at(0)->event, "event call 2");
  EXPECT_EQ(Read(0)->events.size(), 3U);
}

TEST_F(SqliteDamageTest, ARepeatThatTheIndexLeadsAstrayIsNotCalledStored) {
  AppendMany(5);
  TamperBehindTheIndex("DELETE FROM events WHERE sequence = 5");
  Open();
  EXPECT_EQ(Append("call 5").status().code(), absl::StatusCode::kUnavailable) << "out of the log";
  ASSERT_TRUE(Append("call 6").ok()) << "others go on";
  EXPECT_EQ(Append("call 5").status().code(), absl::StatusCode::kUnavailable) << "to another event";
  EXPECT_TRUE(Append("call 7").ok());
  EXPECT_FALSE(fatal_.HasBeenNotified());
}

// --- what looks for a place by halving

TEST_F(SqliteDamageTest, DamageMakesNoPlaceInTimeALaterOne) {
  options_.tail_bytes = 1;
  const absl::Time start = absl::FromUnixSeconds(1'645'524'280);
  for (int i = 1; i <= 31; ++i) {
    NewEvent event = EventNamed(absl::StrCat("call ", i));
    event.received_at = start + absl::Seconds(i);
    ASSERT_TRUE(Append(std::move(event)).ok());
  }
  const auto place_of = [this, start] {
    return Answer<Sequence>(
               [&](auto done) { store_->log().FindPlace(start + absl::Seconds(5), done); })
        .value();
  };
  EXPECT_EQ(place_of(), 4);
  TamperAndOpen("UPDATE events SET received_us = 1 WHERE sequence = 16");
  EXPECT_LE(place_of(), 4);
  TamperAndOpen("DELETE FROM events WHERE sequence = 16");
  EXPECT_LE(place_of(), 4);
}

TEST_F(SqliteDamageTest, AStoreWhoseEndsAreNotToBeBelievedIsRefused) {
  AppendMany(5);
  for (const char* damage : {"UPDATE events SET sequence = 4000 WHERE sequence = 5",
                             "UPDATE subscriptions SET floor = 4000"}) {
    Queue();
    store_.reset();
    {
      auto database = SqliteDatabase::Open(directory_.path() + "/onhook.db", /*read_only=*/false);
      ASSERT_TRUE(database->Execute(damage).ok());
    }
    auto storage = SqliteStorage::Open(directory_.path());
    ASSERT_TRUE(storage.ok()) << storage.status();
    EXPECT_TRUE(IsStoreDamage((*storage)->Recover().status())) << damage;
    storage->reset();
    auto database = SqliteDatabase::Open(directory_.path() + "/onhook.db", /*read_only=*/false);
    ASSERT_TRUE(database
                    ->Execute("UPDATE events SET sequence = 5 WHERE sequence = 4000;"
                              "UPDATE subscriptions SET floor = 0")
                    .ok());
    Open();
  }
}

TEST_F(SqliteDamageTest, WhereEventsEndIsTakenFromTheNewestThatIsWhole) {
  AppendMany(5);
  TamperAndOpen("UPDATE events SET end_offset = 1 << 40 WHERE sequence = 5");
  ASSERT_TRUE(Append("call 6").ok());
  EXPECT_LT(Read(5)->events.at(0)->end_offset, 1000);
}

TEST_F(SqliteDamageTest, OnAFullDiskNothingIsKeptAndLaterItIs) {
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    disk_.FailWrites(code);
    EXPECT_EQ(Keep("body").status().code(), code == SQLITE_FULL
                                                ? absl::StatusCode::kResourceExhausted
                                                : absl::StatusCode::kUnavailable);
    disk_.Heal();
    EXPECT_THAT(List(), IsEmpty());
  }
  ASSERT_TRUE(Keep("body").ok());
  Open();
  EXPECT_THAT(List(), SizeIs(1));
}

TEST_F(SqliteDamageTest, OnAFullDiskNothingIsDiscarded) {
  const int64_t id = *Keep("body");
  disk_.FailWrites(SQLITE_FULL);
  const auto discarded = Answer<std::vector<int64_t>>(
      [&](auto done) { store_->quarantine().Discard({id}, std::move(done)); });
  EXPECT_EQ(discarded.status().code(), absl::StatusCode::kResourceExhausted);
  disk_.Heal();
  EXPECT_TRUE(Get(id).ok());
}

TEST_F(SqliteDamageTest, OnAFullDiskNoNonceIsBound) {
  NewEvent event = EventNamed("a");
  event.nonce = NewEvent::Nonce{"n", 1, true};
  disk_.FailWrites(SQLITE_FULL);
  EXPECT_EQ(Append(event).status().code(), absl::StatusCode::kResourceExhausted);
  disk_.Heal();
  event.digest = std::string(16, 'x');
  EXPECT_EQ(Append(event)->sequence, 1);
}

TEST_F(SqliteDamageTest, AfterAFailedSyncNobodyIsToldThatACallbackWasKept) {
  disk_.FailSyncs(SQLITE_IOERR_FSYNC);
  store_->quarantine().Keep(CallbackOf("body"), [](const absl::StatusOr<int64_t>&) {
    ADD_FAILURE() << "nobody knows whether it is kept";
  });
  EXPECT_TRUE(fatal_.HasBeenNotified());
}

}  // namespace
}  // namespace onhook
