#include "gateway/store/sqlite/sqlite_verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/store/sqlite/sqlite_storage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SqliteVerificationTest : public EmbeddedStoreFixture {
 protected:
  // Ten events with bodies; of one subscription four are settled, two of them parked; a rejected
  // callback; all of it in the database's file.
  SqliteVerificationTest() {
    Open();
    QueuePtr queue = Queue();
    for (int i = 1; i <= 10; ++i) {
      NewEvent event = EventNamed(absl::StrCat("call ", i));
      event.raw_body = absl::StrCat("+86138000000", i);
      EXPECT_TRUE(Append(std::move(event)).ok());
    }
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.Pull().leases;
    EXPECT_THAT(Ack(queue, {leases[0].delivery_id, leases[1].delivery_id}), ::testing::IsEmpty());
    SettleRequest park = AckOf({leases[2].delivery_id, leases[3].delivery_id});
    park.action = SettleRequest::Action::kPark;
    absl::Notification parked;
    queue->Settle(park, [&](const auto&) { parked.Notify(); });
    parked.WaitForNotification();
    NewRejectedCallback rejected;
    rejected.source = "default";
    rejected.received_at = absl::FromUnixSeconds(1'645'524'280);
    rejected.reason = v1::RejectedCallback::REASON_MALFORMED;
    rejected.raw_body = "+8613800000000";
    absl::Notification kept;
    store_->quarantine().Keep(rejected, [&](const auto&) { kept.Notify(); });
    kept.WaitForNotification();
    consumer.Detach();
    queue.reset();
    EXPECT_TRUE(store_->Close().ok());
    store_.reset();
  }

  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }
  std::string Path(const std::string& name = "onhook.db") const {
    return directory_.path() + "/" + name;
  }
  void Execute(const std::string& sql) {
    auto database = SqliteDatabase::Open(Path(), /*read_only=*/false);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = database->Execute(sql);
    ASSERT_TRUE(status.ok()) << status << "\n" << sql;
    ASSERT_TRUE(database->Checkpoint(/*truncate=*/true).ok());
  }
  absl::StatusOr<bool> Verify() {
    lines_.clear();
    return VerifySqliteStore(
        directory_.path(), &clock_,
        {[this](absl::string_view line) { lines_.emplace_back(line); }, [](absl::string_view) {}});
  }
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::stringstream content;
      content << file.rdbuf();
      files[entry.path().filename()] = content.str();
    }
    return files;
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_;
  std::vector<std::string> lines_;
};

TEST_F(SqliteVerificationTest, AStoreThatWasClosedIsSound) {
  EXPECT_TRUE(Verify().value_or(false)) << ::testing::PrintToString(lines_);
  EXPECT_THAT(lines_, ElementsAre("sound: 10 events are as stored"));
}

TEST_F(SqliteVerificationTest, NothingOnTheDiskChanges) {
  auto before = Files();
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(Files(), before);
  // After a kill, with a log and its index; and after a power cut, without one.
  Open();
  AppendMany(3);
  TemporaryDirectory killed;
  for (const auto& [name, content] : Files()) killed.Write(name, content);
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(killed.path())) {
    std::filesystem::copy_file(entry.path(), Path(entry.path().filename()),
                               std::filesystem::copy_options::overwrite_existing);
  }
  before = Files();
  ASSERT_EQ(before.size(), 4U);
  EXPECT_TRUE(Verify().value_or(false)) << ::testing::PrintToString(lines_);
  EXPECT_THAT(lines_, Contains(HasSubstr("write-ahead log alone")));
  EXPECT_THAT(lines_, Contains("sound: 13 events are as stored"));
  EXPECT_EQ(Files(), before);
  std::filesystem::remove(Path("onhook.db-shm"));
  before.erase("onhook.db-shm");
  EXPECT_TRUE(Verify().value_or(false));
  EXPECT_EQ(Files(), before);
  std::filesystem::remove(Path("onhook.db-wal"));
  before.erase("onhook.db-wal");
  EXPECT_FALSE(Verify().value_or(true));
  EXPECT_THAT(lines_, Contains(HasSubstr("onhook.db-wal is missing")));
  EXPECT_EQ(Files(), before);
}

TEST_F(SqliteVerificationTest, WhatIsInUseOrNoStoreIsNotLookedAt) {
  Open();
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kFailedPrecondition);
  store_.reset();
  const TemporaryDirectory empty;
  for (const std::string& path : {empty.path(), empty.path() + "/none"}) {
    EXPECT_EQ(VerifySqliteStore(path, &clock_, {[](auto) {}, [](auto) {}}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(std::filesystem::is_empty(empty.path()));
}

// Each alteration, and what is told of it.
TEST_F(SqliteVerificationTest, EachThingThatIsWrongIsTold) {
  const std::pair<const char*, const char*> alterations[] = {
      {"UPDATE events SET event = x'00' WHERE sequence = 2",
       "event 2 (event_id v1-64646464646464646464646464646464-call%202) does not"},
      {"UPDATE events SET received_us = 1 WHERE sequence BETWEEN 4 AND 6",
       "events 4 to 6 (event_id"},
      {"UPDATE events SET digest = zeroblob(16) WHERE sequence = 3", "event 3 (event_id v1-00"},
      {"DELETE FROM events WHERE sequence = 5", "event 5 is missing"},
      {"UPDATE events SET end_offset = 1 WHERE sequence = 9", "event 9 (event_id v1-"},
      {"UPDATE raw_bodies SET body = x'00' WHERE sequence = 7", "raw body of event 7 does not"},
      {"INSERT INTO raw_bodies VALUES (99, 0, x'')", "raw body of event 99, which is not kept"},
      {"UPDATE rejected_callbacks SET detail = 'x'", "rejected callback 1 does not"},
      {"UPDATE rejected_callback_bytes SET bytes = 1", "rejected callbacks are counted wrongly"},
      {"UPDATE dead_letters SET event = x'00' WHERE sequence = 3", "dead letter of event 3 in"},
      {"UPDATE counters SET value = 1 WHERE key = 'dead_letter_bytes'", "and count as 1"},
      {"UPDATE dead_letters SET subscription_id = 7 WHERE sequence = 3", "subscription number 7"},
      {"UPDATE history SET subscription_id = 7", "a history of event 3 in subscription number 7"},
      {"UPDATE subscriptions SET floor = 6", "counts events 5 to 6 as settled"},
      {"UPDATE subscriptions SET floor = 99", "subscription 'crm' stands at 99"},
      {"UPDATE subscriptions SET epoch = 'x'", "subscription 'number 1' is damaged"},
      {"UPDATE settlements SET last = 99", "makes no sense"},
      {"UPDATE settlements SET kind = 9", "makes no sense"},
      {"DELETE FROM settlements WHERE first = 1; UPDATE subscriptions SET floor = 4", "as settled"},
      {"INSERT INTO removed_identities SELECT call_serial_no, source, digest, 1, 1 FROM events"
       " WHERE sequence = 8",
       "what is remembered of event 1 makes no sense"},
      {"INSERT INTO forwarded VALUES ('x', 5, 99)", "events 5 to 99 were forwarded"},
      {"INSERT INTO nonces VALUES (1, 'n', 'default', x'00', 1)", "a nonce is damaged"},
      {"UPDATE store SET value = 'x' WHERE key = 'store_id'", "store_id is missing or malformed"},
      {"UPDATE counters SET value = -1 WHERE key = 'openings'", "number of openings"},
      {"PRAGMA user_version = 7", "the store has format 7"},
      {"DROP TABLE nonces", "nonces cannot be read on"},
      {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3"
       " WHERE name = 'events_identity'",
       "structure: "},
  };
  const std::map<std::string, std::string> sound = Files();
  for (const auto& [sql, told] : alterations) {
    Execute(sql);
    EXPECT_FALSE(Verify().value_or(true)) << sql;
    EXPECT_THAT(lines_, Contains(HasSubstr(told))) << sql;
    EXPECT_THAT(lines_.back(), StartsWith("damaged: ")) << sql;
    EXPECT_THAT(lines_, Not(Contains(HasSubstr("+86138")))) << "a number is told after " << sql;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      std::filesystem::remove(entry.path());
    }
    for (const auto& [name, content] : sound) directory_.Write(name, content);
  }
  EXPECT_TRUE(Verify().value_or(false)) << ::testing::PrintToString(lines_);
}

TEST_F(SqliteVerificationTest, EventsThatLieBesideAPageThatCannotBeReadAreLookedAt) {
  Open();
  for (int i = 11; i <= 400; ++i) ASSERT_TRUE(Append(absl::StrCat("call ", i)).ok());
  store_.reset();
  // One leaf of the events, in the middle.
  std::fstream file(Path(), std::ios::binary | std::ios::in | std::ios::out);
  const std::string content = Files()["onhook.db"];
  const size_t event = content.find("event call 200");
  ASSERT_NE(event, std::string::npos);
  file.seekp(static_cast<std::streamoff>(event / 4096 * 4096));
  for (int i = 0; i < 8; ++i) file.put('\xff');
  file.close();
  EXPECT_FALSE(Verify().value_or(true));
  EXPECT_THAT(lines_,
              Contains(AllOf(StartsWith("events "), HasSubstr("are missing, or cannot be"))));
  EXPECT_THAT(lines_, Contains(HasSubstr("structure: ")));
  EXPECT_THAT(lines_.back(), AllOf(HasSubstr("events are as stored"), Not(HasSubstr(" 0 lost"))));
}

TEST_F(SqliteVerificationTest, OfManyFindingsOfAKindSomeAreTold) {
  Open();
  for (int i = 11; i <= 300; ++i) ASSERT_TRUE(Append(absl::StrCat("call ", i)).ok());
  store_.reset();
  Execute("UPDATE events SET received_us = 1 WHERE sequence % 2 = 0");
  EXPECT_FALSE(Verify().value_or(true));
  EXPECT_THAT(lines_, Contains("and 50 more like these"));
  EXPECT_THAT(lines_.back(), HasSubstr("150 events are as stored, 150 lost"));
}

TEST_F(SqliteVerificationTest, AFileThatIsNoDatabaseIsTold) {
  directory_.Write("onhook.db", std::string(8192, 'x'));
  EXPECT_FALSE(Verify().value_or(true));
  EXPECT_THAT(lines_, Contains(HasSubstr("onhook.db cannot be read")));
}

TEST_F(SqliteVerificationTest, AFileThatOthersCanReadIsNoted) {
  std::filesystem::permissions(Path(), std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_TRUE(Verify().value_or(false));
  EXPECT_THAT(lines_, Contains(HasSubstr("can be read by others")));
}

}  // namespace
}  // namespace onhook
