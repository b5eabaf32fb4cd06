// Every fault there is, one at a time and all together: what was answered with retCode "0" is
// delivered until it is acknowledged, whatever happens in between.
//
//   ONHOOK_FAULTS=kill,restart   these only; unset: each alone, and a run of all together
//   ONHOOK_ROUNDS=1000           strikes of each run
//   ONHOOK_SEED=7                the same strikes again
//   ONHOOK_CONNECTIONS=8         of the vendor
//   ONHOOK_ROUND_MS=400          up to so long the gateway works between two strikes
//   ONHOOK_STOP_MS=600           up to so long a process is stopped
//
//   ONHOOK_FAULTS=kill ONHOOK_ROUNDS=1000 build/release/tests/crash/crash_test
//       --gtest_filter='*/FaultTest.*'
#include <algorithm>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/fault.h"
#include "tests/crash/fault_registry.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;
using testing::Not;

int Connections() { return static_cast<int>(FromEnvironment("ONHOOK_CONNECTIONS", 8)); }
absl::Duration RoundTime() {
  return absl::Milliseconds(static_cast<int64_t>(FromEnvironment("ONHOOK_ROUND_MS", 400)));
}

// Strikes, then lets everything be settled, and holds the gateway against the books.
void StrikeAndSettle(std::vector<std::unique_ptr<Fault>> faults, uint64_t seed, uint64_t rounds) {
  CrashRun run(seed, Connections());
  for (std::unique_ptr<Fault>& fault : faults) run.Add(std::move(fault));
  ASSERT_TRUE(run.Start());
  ASSERT_TRUE(run.Rounds(static_cast<int64_t>(rounds), RoundTime()));
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  std::cout << run.Summary() << std::flush;
}

class FaultTest : public testing::TestWithParam<std::string> {};

TEST_P(FaultTest, NothingIsLostOrMadeUpByIt) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(MakeFault(GetParam()));
  ASSERT_NE(faults[0], nullptr) << "no fault of that name";
  if (!faults[0]->Missing().empty()) GTEST_SKIP() << faults[0]->Missing();
  StrikeAndSettle(std::move(faults), SeedOfRun(), FromEnvironment("ONHOOK_ROUNDS", 2));
}

std::vector<std::string> NamesOfFaults() {
  std::vector<std::string> names = WordsFromEnvironment("ONHOOK_FAULTS");
  if (!names.empty()) return names;
  for (const std::unique_ptr<Fault>& fault : MakeAllFaults()) names.emplace_back(fault->name());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Each, FaultTest, testing::ValuesIn(NamesOfFaults()),
                         [](const auto& info) { return info.param; });

// As many as go together, of those that this machine has what it takes for; which of two that
// exclude each other, the seed decides.
std::vector<std::unique_ptr<Fault>> SomeThatGoTogether(uint64_t seed) {
  std::vector<std::unique_ptr<Fault>> all;
  for (const std::string& name : NamesOfFaults()) all.push_back(MakeFault(name));
  std::mt19937_64 random(seed);
  std::shuffle(all.begin(), all.end(), random);
  std::vector<std::unique_ptr<Fault>> chosen;
  const auto excludes = [](const Fault& one, const Fault& other) {
    const std::vector<std::string> excluded = one.Excludes();
    return std::find(excluded.begin(), excluded.end(), other.name()) != excluded.end();
  };
  for (std::unique_ptr<Fault>& fault : all) {
    if (fault == nullptr || !fault->Missing().empty()) continue;
    const bool fits = std::none_of(chosen.begin(), chosen.end(), [&](const auto& other) {
      return excludes(*fault, *other) || excludes(*other, *fault);
    });
    if (fits) chosen.push_back(std::move(fault));
  }
  return chosen;
}

TEST(MixedFaultTest, NothingIsLostOrMadeUpByAllOfThemTogether) {
  const uint64_t seed = SeedOfRun();
  std::vector<std::unique_ptr<Fault>> faults = SomeThatGoTogether(seed);
  ASSERT_THAT(faults, Not(IsEmpty()));
  StrikeAndSettle(std::move(faults), seed, FromEnvironment("ONHOOK_ROUNDS", 6));
}

// Says what the run's random numbers make of it, and draws as many of them as it is told.
class RecordingFault final : public Fault {
 public:
  RecordingFault(std::string name, int draws, std::vector<std::string>* strikes)
      : name_(std::move(name)), draws_(draws), strikes_(*strikes) {}

  absl::string_view name() const override { return name_; }
  void Strike(CrashRun& run) override {
    strikes_.push_back(absl::StrCat(name_, " ", run.random()()));
    for (int i = 0; i < draws_; ++i) run.random()();
  }

 private:
  const std::string name_;
  const int draws_;
  std::vector<std::string>& strikes_;
};

std::vector<std::string> StrikesOf(uint64_t seed, int draws) {
  std::vector<std::string> strikes;
  CrashRun run(seed, Connections());
  for (const char* name : {"first", "second", "third"}) {
    run.Add(std::make_unique<RecordingFault>(name, draws, &strikes));
  }
  EXPECT_TRUE(run.Start());
  EXPECT_TRUE(run.Rounds(3, absl::Milliseconds(1)));
  return strikes;
}

// A failure is looked into by its seed, so the strikes must not depend on what came of those
// before.
TEST(FaultReplayTest, TheSameSeedStrikesInTheSameWayWhateverEachStrikeDraws) {
  const std::vector<std::string> strikes = StrikesOf(/*seed=*/7, /*draws=*/0);
  EXPECT_EQ(strikes.size(), 3u);
  EXPECT_EQ(StrikesOf(/*seed=*/7, /*draws=*/3), strikes);
}

}  // namespace
}  // namespace onhook
