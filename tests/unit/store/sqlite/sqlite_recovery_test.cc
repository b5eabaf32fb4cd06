// What opening a store costs: counted in the steps of SQLite's machine, of which each row that is
// read takes some.
#include "gateway/store/sqlite/sqlite_recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

int64_t steps_taken = 0;

int CountSteps(unsigned /*event*/, void* /*context*/, void* statement, void* /*nanoseconds*/) {
  steps_taken += sqlite3_stmt_status(static_cast<sqlite3_stmt*>(statement),
                                     SQLITE_STMTSTATUS_VM_STEP, /*reset=*/1);
  return 0;
}

// Called by SQLite for each connection that is opened.
void CountStepsOf(sqlite3* database) {
  sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, CountSteps, nullptr);
}

// A store that is closed, filled row by row.
class SqliteRecoveryTest : public testing::Test {
 protected:
  struct Opening {
    RecoveredState state;
    int64_t steps = 0;
  };

  SqliteRecoveryTest() {
    EXPECT_EQ(Open().state.last, 0);  // so the tables are there
    Execute(
        "INSERT INTO subscriptions (id, name, spec, origin, paused, created_us, last_used_us, "
        "epoch,"
        " epoch_number, start, floor, replayed_through, dropped_by_limit)"
        " VALUES (1, 'crm', x'', 0, 0, 0, 0, '00000000000000aa', 1, 0, 0, 0, 0)");
  }

  Opening Open() {
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&CountStepsOf));
    Opening opening;
    steps_taken = 0;
    {
      absl::StatusOr<std::unique_ptr<Storage>> storage =
          SqliteStorage::Open(directory_.path(), &progress_);
      EXPECT_TRUE(storage.ok()) << storage.status();
      absl::StatusOr<RecoveredState> state = (*storage)->Recover();
      EXPECT_TRUE(state.ok()) << state.status();
      opening.state = *std::move(state);
    }
    sqlite3_reset_auto_extension();
    opening.steps = steps_taken;
    return opening;
  }

  void Execute(const std::string& sql) {
    auto database = SqliteDatabase::Open(directory_.path() + "/onhook.db", /*read_only=*/false);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = database->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
  // Rows of `table` for each even number from `first`, so many of them; $ stands for the number.
  void Fill(const std::string& table, const std::string& values, int64_t first, int64_t count) {
    Execute(absl::StrCat("WITH RECURSIVE n (i) AS (SELECT ", first,
                         " UNION ALL SELECT i + 2 FROM n", " WHERE i < ", first + 2 * (count - 1),
                         ") INSERT INTO ", table, " SELECT ",
                         absl::StrReplaceAll(values, {{"$", "i"}}), " FROM n"));
  }
  void FillSettled(int64_t first, int64_t count) {
    Fill("settlements", "1, 1, $, $, 1, 'worker', 0", first, count);
  }

  const TemporaryDirectory directory_;
  RecoveryProgress progress_;
};

TEST_F(SqliteRecoveryTest, OpeningTakesNoLongerHoweverMuchLiesBehind) {
  constexpr int64_t kRows = 5000;
  Open();
  // Without gaps, and more than is looked at for one that fits its checksum.
  const char* event = "$, 'call-' || $, 'default', x'00', 0, 0, $, 0, x'00'";
  for (const int64_t first : {2, 3}) Fill("events", event, first, 100);
  const int64_t before = Open().steps;
  for (const int64_t first : {202, 203}) Fill("events", event, first, kRows);
  FillSettled(2, kRows);
  Fill("history", "1, $, 1, 1, 3, 0, 'worker', 1, '', 1, 0, 0, 0", 2, kRows);
  Fill("removed_identities", "'call-' || $, 'default', x'00', $, 0", 2, kRows);
  Fill("nonces", "$, 'nonce', 'default', x'00', 0", 2, kRows);
  Fill("raw_bodies", "$, 0, x'00'", 2, kRows);
  Fill("rejected_callbacks", "$, 'default', 0, 1, '', '', CAST('id' || $ AS BLOB), 0, x'00'", 2,
       kRows);
  Execute(absl::StrCat("UPDATE subscriptions SET floor = ", 2 * kRows + 2));
  const Opening opening = Open();
  EXPECT_EQ(opening.state.last, 2 * kRows + 201);
  EXPECT_LT(opening.steps, before + 200);
}

// The control: what is owed is read.
TEST_F(SqliteRecoveryTest, WhatIsSettledAboveTheFloorIsReadRunByRun) {
  const int64_t before = Open().steps;
  FillSettled(2, 5000);
  const Opening opening = Open();
  EXPECT_GT(opening.steps, before + 5000);
  EXPECT_EQ(opening.state.subscriptions.front().settled.run_count(), 5000u);
  EXPECT_THAT(progress_.Text(), HasSubstr("reads what subscription 1 of 1 has settled and tried"));
  EXPECT_THAT(progress_.Text(), HasSubstr("4096 rows"));
}

TEST_F(SqliteRecoveryTest, OnlyTheNewestForwardedRunsOfEachReceiverAreRead) {
  constexpr auto kMost = static_cast<int64_t>(Storage::kMostForwardedRuns);
  for (const char* receiver : {"subscription/crm", "watch"}) {
    Fill("forwarded", absl::StrCat("'", receiver, "', $, $"), 2, kMost);
  }
  const int64_t before = Open().steps;
  for (const char* receiver : {"subscription/crm", "watch"}) {
    Fill("forwarded", absl::StrCat("'", receiver, "', $, $"), 2 * kMost + 2, 5000);
  }
  const Opening opening = Open();
  EXPECT_LT(opening.steps, before + 200);
  ASSERT_EQ(opening.state.forwarded.size(), 2u);
  for (const auto& [receiver, runs] : opening.state.forwarded) {
    EXPECT_EQ(runs.run_count(), Storage::kMostForwardedRuns) << receiver;
    EXPECT_TRUE(runs.Contains(2 * kMost + 2 * 5000)) << receiver;
    EXPECT_FALSE(runs.Contains(2)) << receiver;
  }
}

}  // namespace
}  // namespace onhook
