// Every call to the system that the store makes fails once, or from then on, one after the other:
// of the real program, at the same work each time. What was answered holds, and what the gateway
// does about it is what an operator may rely upon.
//
//   ONHOOK_STRIDE=1 build/release/tests/crash/crash_test --gtest_filter='SyscallSweepTest.*'
//
// ONHOOK_STRIDE=1 takes every call of every kind, 7 every seventh, beginning with one that
// ONHOOK_SEED decides. ONHOOK_SWEEP names one kind. ONHOOK_CALLBACKS and ONHOOK_PADDING make the
// work larger, up to checkpoints in the midst of it: 80 callbacks of 50000 bytes.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/hindrance/hindrance.h"
#include "tests/crash/run_parameters.h"
#include "tests/crash/scripted_work.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Plan = HindrancePlan;

constexpr absl::Duration kPatience = absl::Seconds(60);

struct Sweep {
  const char* name;
  Plan::Call call;
  int64_t many;
  int error;
  Plan::Manner manner;
};

constexpr int64_t kForGood = Hindrance::kForGood;
constexpr Sweep kSweeps[] = {
    {"OpenEioOnce", Plan::kOpen, 1, EIO, Plan::kFails},
    {"OpenEnospcForGood", Plan::kOpen, kForGood, ENOSPC, Plan::kFails},
    {"WriteEnospcOnce", Plan::kWrite, 1, ENOSPC, Plan::kFails},
    {"WriteEnospcForGood", Plan::kWrite, kForGood, ENOSPC, Plan::kFails},
    {"WriteEioOnce", Plan::kWrite, 1, EIO, Plan::kFails},
    {"WriteEioForGood", Plan::kWrite, kForGood, EIO, Plan::kFails},
    {"WriteShortOnce", Plan::kWrite, 1, 0, Plan::kIsShort},
    {"WriteShortThenEnospc", Plan::kWrite, kForGood, ENOSPC, Plan::kIsShortThenFails},
    {"WriteDoneYetEio", Plan::kWrite, 1, EIO, Plan::kIsDoneYetFails},
    {"SyncEioOnce", Plan::kSync, 1, EIO, Plan::kFails},
    {"SyncEioForGood", Plan::kSync, kForGood, EIO, Plan::kFails},
    {"SyncEnospcOnce", Plan::kSync, 1, ENOSPC, Plan::kFails},
    {"ReadEioOnce", Plan::kRead, 1, EIO, Plan::kFails},
    {"ReadEioForGood", Plan::kRead, kForGood, EIO, Plan::kFails},
    {"TruncateEioOnce", Plan::kTruncate, 1, EIO, Plan::kFails},
    {"UnlinkEioOnce", Plan::kUnlink, 1, EIO, Plan::kFails},
    {"StatEioOnce", Plan::kStat, 1, EIO, Plan::kFails},
    {"MapEnomemOnce", Plan::kMap, 1, ENOMEM, Plan::kFails},
    {"LockEnolckOnce", Plan::kLock, 1, ENOLCK, Plan::kFails},
};

// What came of the runs of one sweep.
struct Tally {
  int64_t runs = 0;
  int64_t not_started = 0;
  int64_t disk_failed = 0;
  int64_t stop_failed = 0;
  int64_t not_stored = 0;
  std::vector<std::string> unnoticed;  // calls whose failure the vendor did not notice
  absl::Duration longest_end;          // from the first failure of a call to the end that it caused
};

std::ostream& operator<<(std::ostream& stream, const Tally& tally) {
  return stream << tally.runs << " runs: " << tally.not_started << " not started, "
                << tally.disk_failed << " ended at work (after "
                << absl::FormatDuration(tally.longest_end) << " at most), " << tally.stop_failed
                << " stopped with an error, " << tally.not_stored << " callbacks not stored, "
                << tally.unnoticed.size() << " that the vendor did not notice"
                << (tally.unnoticed.empty() ? "" : ": ") << absl::StrJoin(tally.unnoticed, "; ");
}

class SyscallSweepTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Hindrance::Missing().empty()) GTEST_SKIP() << "needs " << Hindrance::Missing();
  }

  static ScriptedWork::Size SizeOfWork() {
    ScriptedWork::Size size;
    size.callbacks = static_cast<int64_t>(FromEnvironment("ONHOOK_CALLBACKS", 5));
    size.padding = FromEnvironment("ONHOOK_PADDING", 0);
    return size;
  }

  // How many calls of each kind the work makes when nothing fails.
  static std::vector<int64_t> CountCalls();

  // The work with the `first`th call hindered, and what comes after it.
  static void Run(const Sweep& sweep, int64_t first, Tally& tally);
  // The first gateway's part of it.
  static void RunHindered(const Sweep& sweep, const OnhookdProcess::Options& options,
                          Hindrance& hindrance, ScriptedWork& work, Tally& tally);

  // Says of a gateway that has ended by itself how it did, and expects that it may.
  static void ExpectEndFor(const Sweep& sweep, const Hindrance& hindrance, OnhookdProcess& gateway,
                           Tally& tally);
};

void SyscallSweepTest::ExpectEndFor(const Sweep& sweep, const Hindrance& hindrance,
                                    OnhookdProcess& gateway, Tally& tally) {
  const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
  ASSERT_TRUE(end.has_value()) << "it hangs:\n" << gateway.log();
  tally.longest_end =
      std::max(tally.longest_end, SystemClock().Elapsed() - hindrance.first_failed_at());
  EXPECT_EQ(*end, (ProcessEnd{kExitDiskFailed, 0})) << gateway.log();
  EXPECT_THAT(gateway.log(), HasSubstr("the disk cannot be relied upon: ending at once"));
  EXPECT_NE(sweep.call, Plan::kWrite) << "that heals:\n" << gateway.log();
  ++tally.disk_failed;
}

std::vector<int64_t> SyscallSweepTest::CountCalls() {
  const TemporaryDirectory directory;
  OnhookdProcess::Options options;
  options.store_directory = directory.path() + "/store";
  const Hindrance hindrance(options.store_directory);
  hindrance.ApplyToCallsOf(options);
  CallLedger ledger("count");
  ScriptedWork work(&ledger, SizeOfWork());
  OnhookdProcess gateway(options);
  EXPECT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  work.Do(gateway);
  gateway.Terminate();
  EXPECT_EQ(gateway.Wait(kPatience), (ProcessEnd{0, 0})) << gateway.log();
  std::vector<int64_t> counts;
  for (int call = 0; call < Plan::kCalls; ++call) {
    counts.push_back(hindrance.count(static_cast<Plan::Call>(call)));
  }
  return counts;
}

void SyscallSweepTest::RunHindered(const Sweep& sweep, const OnhookdProcess::Options& options,
                                   Hindrance& hindrance, ScriptedWork& work, Tally& tally) {
  OnhookdProcess gateway(options);
  if (!gateway.WaitUntilListening(kPatience)) {
    const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
    ASSERT_TRUE(end.has_value()) << "it hangs:\n" << gateway.log();
    EXPECT_EQ(end->signal, 0) << gateway.log();
    EXPECT_NE(end->exit_code, 0) << gateway.log();
    EXPECT_THAT(gateway.log(), HasSubstr(options.store_directory));
    ++tally.not_started;
    return;
  }
  work.Do(gateway);
  bool alive = !gateway.Wait(absl::ZeroDuration()).has_value();
  const bool fails_later = alive && hindrance.failures() == 0;
  if (alive && !fails_later) {
    hindrance.Heal();
    work.Finish(gateway);
    alive = !gateway.Wait(absl::ZeroDuration()).has_value();
  }
  if (!alive) return ExpectEndFor(sweep, hindrance, gateway, tally);
  gateway.Terminate();
  const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
  ASSERT_TRUE(end.has_value()) << "it hangs:\n" << gateway.log();
  EXPECT_EQ(end->signal, 0) << gateway.log();
  if (!fails_later && end->exit_code != 0) {
    // A lock that could not be given back is in the way of the last checkpoint, and of nothing
    // else: the stop says so, and the next start has all of it.
    EXPECT_EQ(sweep.call, Plan::kLock) << gateway.log();
    EXPECT_EQ(end->exit_code, kExitFailed) << gateway.log();
    EXPECT_THAT(gateway.log(), HasSubstr("database is locked"));
  }
  tally.stop_failed += end->exit_code != 0;
  if (end->exit_code == 0 && hindrance.failures() > 0 && work.not_stored() == 0) {
    tally.unnoticed.push_back(hindrance.last_failed());
    // SQLite itself passes over a directory that cannot be synced.
    const bool may_be_unnoticed = sweep.call != Plan::kSync || hindrance.file_failed().empty();
    EXPECT_TRUE(may_be_unnoticed) << hindrance.last_failed();
  }
}

void SyscallSweepTest::Run(const Sweep& sweep, int64_t first, Tally& tally) {
  const TemporaryDirectory directory;
  OnhookdProcess::Options options;
  options.store_directory = directory.path() + "/store";
  Hindrance hindrance(options.store_directory);
  hindrance.ApplyToCallsOf(options);
  CallLedger ledger(absl::StrCat("sweep-", sweep.name, "-", first));
  ScriptedWork work(&ledger, SizeOfWork());
  hindrance.Fail({sweep.call, first, sweep.many, sweep.error, sweep.manner});
  RunHindered(sweep, options, hindrance, work, tally);
  ++tally.runs;
  tally.not_stored += work.not_stored();
  if (HasFailure()) {
    ADD_FAILURE() << sweep.name << " failed last: " << hindrance.last_failed();
    return;
  }
  hindrance.Reset();
  OnhookdProcess next(options);
  ASSERT_TRUE(next.WaitUntilListening(kPatience)) << next.log();
  work.Finish(next);
  ASSERT_FALSE(next.Wait(absl::ZeroDuration()).has_value()) << next.log();
  work.CheckLog(next);
  EXPECT_THAT(ledger.Findings(), IsEmpty());
}

TEST_F(SyscallSweepTest, WhatWasAnsweredHoldsWhicheverCallFails) {
  const char* const only = std::getenv("ONHOOK_SWEEP");
  const std::vector<int64_t> calls = CountCalls();
  std::vector<std::pair<const Sweep*, int64_t>> all;
  for (const Sweep& sweep : kSweeps) {
    if (only != nullptr && absl::string_view(only) != sweep.name) continue;
    for (int64_t k = 1; k <= calls[sweep.call]; ++k) all.emplace_back(&sweep, k);
  }
  const size_t stride = std::max<size_t>(FromEnvironment("ONHOOK_STRIDE", 120), 1);
  const size_t begin = stride == 1 ? 0 : SeedOfRun() % stride;
  std::map<const Sweep*, Tally> tallies;
  for (size_t i = begin; i < all.size() && !HasFailure(); i += stride) {
    SCOPED_TRACE(absl::StrCat(all[i].first->name, ", call ", all[i].second));
    Run(*all[i].first, all[i].second, tallies[all[i].first]);
  }
  for (const auto& [sweep, tally] : tallies) {
    std::cout << sweep->name << ", of " << calls[sweep->call] << " calls " << tally << std::endl;
  }
}

}  // namespace
}  // namespace onhook
