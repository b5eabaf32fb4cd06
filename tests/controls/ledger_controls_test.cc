// The harness of tests/crash finds nothing wrong with the gateway; what that is worth is shown by
// gateways that are wrong on purpose, each caught by what the same faults do to it.
//
//   ONHOOK_SEED=7 build/release/tests/controls/controls_test --gtest_filter='LedgerControlTest.*'
#include <sqlite3.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/controls/control_program.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/fault.h"
#include "tests/crash/fault_of_program.h"
#include "tests/crash/file_size_fault.h"
#include "tests/crash/kill_fault.h"
#include "tests/crash/repeat_fault.h"
#include "tests/crash/restart_fault.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

constexpr int kStrikes = 4;  // of one run
// A control that so many runs do not catch is not caught.
constexpr int kMostRuns = 25;
constexpr size_t kMostFindings = 1000;
// For one step further towards nothing being owed.
constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kLittlePatience = absl::Seconds(5);
// What a lost event looks like: it is owed for ever, or the log does not have it, or its repeat
// came in anew.
const std::vector<std::string> kLost = {"never settled", "the log lacks", "from a second place"};

// kill -9, and then one letter of each event's callData, "order=", is another on the disk.
class AlteredEventsFault final : public Fault {
 public:
  absl::string_view name() const override { return "altered_events"; }
  void Strike(CrashRun& run) override {
    run.Kill();
    sqlite3* store = nullptr;
    ASSERT_EQ(sqlite3_open((run.store_directory() + "/onhook.db").c_str(), &store), SQLITE_OK);
    // As the gateway has it: whoever only looks leaves the write-ahead log where it is.
    sqlite3_db_config(store, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    EXPECT_EQ(sqlite3_exec(store,
                           "UPDATE events SET event = CAST("
                           "substr(event, 1, instr(event, CAST('order=' AS BLOB))) || 'R'"
                           " || substr(event, instr(event, CAST('order=' AS BLOB)) + 2) AS BLOB)"
                           " WHERE instr(event, CAST('order=' AS BLOB)) > 0",
                           nullptr, nullptr, nullptr),
              SQLITE_OK)
        << sqlite3_errmsg(store);
    EXPECT_EQ(sqlite3_close(store), SQLITE_OK);
  }
};

using FaultMaker = std::function<std::unique_ptr<Fault>()>;

// What the ledger finds over a run of a few strikes. `program`: empty for the right one.
std::vector<std::string> FindingsOf(const std::string& program, const FaultMaker& fault,
                                    uint64_t seed, absl::Duration patience) {
  CrashRun run(seed, /*connections=*/8);
  run.SetPatience(patience);
  run.Add(std::make_unique<FaultOfProgram>(fault(), program));
  if (!run.Start()) return {};
  // In one run of two nothing holds its floor back.
  if (seed % 2 == 0) run.acking().Tell(consumer_lines::kBehave);
  if (!run.Rounds(kStrikes, absl::Milliseconds(100))) return {};
  run.FinishLoad();
  // What is still owed then is owed for good.
  if (run.Start()) run.SettleFor(patience);
  return run.ledger().Findings(kMostFindings);
}

// The first of `words` that a finding has; empty: none has any.
std::string WordsIn(const std::vector<std::string>& findings,
                    const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    for (const std::string& finding : findings) {
      if (absl::StrContains(finding, word)) return word;
    }
  }
  return "";
}

// Expects that the right program has no findings by this fault, and that the control has one of
// these words after some runs; says after how many.
void ExpectCaught(const std::string& control, const FaultMaker& fault,
                  const std::vector<std::string>& words) {
  const uint64_t seed = SeedOfRun();
  EXPECT_THAT(FindingsOf("", fault, seed, kPatience), IsEmpty());
  std::string last_run;
  for (int runs = 1; runs <= kMostRuns; ++runs) {
    std::vector<std::string> findings;
    testing::TestPartResultArray failures;  // what the wrong program fails is no failure
    {
      const testing::ScopedFakeTestPartResultReporter intercept(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
      findings = FindingsOf(ControlProgram(control), fault, seed + static_cast<uint64_t>(runs) - 1,
                            kLittlePatience);
    }
    const std::string found = WordsIn(findings, words);
    if (found.empty()) {
      last_run = absl::StrJoin(findings, "\n");
      if (failures.size() > 0)
        absl::StrAppend(&last_run, "\n", failures.GetTestPartResult(0).message());
      continue;
    }
    std::cout << control << ": " << found << ", after " << runs * kStrikes << " strikes of "
              << fault()->name() << std::endl;
    return;
  }
  ADD_FAILURE() << control << " was not caught by " << kMostRuns * kStrikes << " strikes of "
                << fault()->name() << "; of the last run:\n"
                << last_run;
}

TEST(LedgerControlTest, AnAnswerBeforeTheCommitIsCaughtWhereCommitsFail) {
  ExpectCaught("ack_before_commit", MakeFileSizeFault, kLost);
}

TEST(LedgerControlTest, AnAnswerBeforeTheCommitIsCaughtByKills) {
  ExpectCaught("ack_before_commit", MakeKillFault, kLost);
}

TEST(LedgerControlTest, DuplicatesLookedForOutsideTheTransactionAreCaughtByRepeats) {
  ExpectCaught("dedup_outside_transaction", MakeRepeatFault, {"from a second place in the log"});
}

// Who asks again is told that it is settled by then, until the next start.
TEST(LedgerControlTest, AFloorBeforeItsCommitIsCaughtWhereCommitsFail) {
  ExpectCaught("floor_before_commit", MakeFileSizeFault,
               {"never settled", "again after its settling was confirmed"});
}

TEST(LedgerControlTest, AFloorAtTheDeliveryIsCaughtByRestarts) {
  ExpectCaught("floor_at_delivery", MakeRestartFault, {"never settled"});
}

TEST(LedgerControlTest, AnAckThatFailedAndIsConfirmedIsCaughtWhereCommitsFail) {
  ExpectCaught("failed_ack_confirmed", MakeFileSizeFault,
               {"again after its settling was confirmed"});
}

// The right program gives up what is altered, and says so; it delivers none of it.
TEST(LedgerControlTest, AnIgnoredChecksumIsCaughtByAlteredEvents) {
  const uint64_t seed = SeedOfRun();
  const FaultMaker fault = [] { return std::make_unique<AlteredEventsFault>(); };
  const auto altered = [&](const std::string& program) {
    return WordsIn(FindingsOf(program, fault, seed, kLittlePatience), {" with another "});
  };
  EXPECT_EQ(altered(""), "");
  EXPECT_EQ(altered(ControlProgram("checksum_ignored")), " with another ");
}

}  // namespace
}  // namespace onhook
