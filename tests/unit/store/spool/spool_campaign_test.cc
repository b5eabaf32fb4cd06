// Callbacks, repeats, faults of the main store and crashes by chance, against a model of what
// everybody was told. To see one again, or more of them:
//   ONHOOK_SEED=7 ONHOOK_ROUNDS=100 build/release/tests/unit/store/store_spool_test
//     --gtest_filter='SpoolCampaignTest.*'

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

int64_t NumberFrom(const char* variable, int64_t otherwise) {
  const char* const text = std::getenv(variable);
  int64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

class SpoolCampaignTest : public SpoolTest {
 protected:
  using Pending = std::pair<std::string, PendingAppend>;

  void Run(uint64_t seed) {
    random_.seed(seed);
    calls_ = 0;
    handed_.clear();
    promised_.clear();
    options_.patience = absl::Milliseconds(3);
    options_.callback_interval = absl::Milliseconds(20);
    Open();
    for (int step = 0; step < 400; ++step) Step();
    MainHeals();
    Note();
    AwaitEmptySpool();
    Check();
  }

 private:
  int64_t Below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>(0, bound - 1)(random_);
  }

  void Step() {
    const int64_t chance = Below(100);
    if (chance < 70) return AppendOne();
    if (chance < 80) return Fault();
    if (chance < 90) return MainHeals();
    if (chance < 94) return Note();
    if (chance < 96) return std::this_thread::yield();
    if (chance < 98) return AtAnotherGateway();
    // What was not answered when the process ended, nobody was promised.
    Note();
    faults_.Release();
    if (chance == 98) return Crash();
    Restart();
  }
  NewEvent SomeEvent() {
    const int64_t number = Below(2) == 0 || calls_ == 0 ? ++calls_ : Below(calls_) + 1;
    const std::string call = absl::StrCat("call ", number);
    NewEvent event =
        number % 3 == 0 ? SignedEventOf(call, absl::StrCat("nonce of ", number)) : EventOf(call);
    // A repeat has the time and the nonce of the first.
    const auto [it, is_new] = handed_.emplace(event.event, event);
    return it->second;
  }
  void AppendOne() {
    NewEvent event = SomeEvent();
    const std::string name = event.event;
    if (Below(10) == 0) event.only_if_known = true;
    pending_.emplace_back(name, Begin(std::move(event)));
  }
  void AtAnotherGateway() {
    const NewEvent event = SomeEvent();
    PendingAppend pending;
    MainAsOthersSeeIt().log().Append(event, pending.Done());
    pending_.emplace_back(event.event, std::move(pending));
  }
  void Fault() {
    const Mode modes[] = {Mode::kRefuse, Mode::kStall, Mode::kStoreAndDeny, Mode::kStoreAndStall};
    faults_.Set(modes[Below(4)], Below(2) == 0 ? absl::UnavailableError("away")
                                               : absl::ResourceExhaustedError("full"));
  }
  // Takes the answers.
  void Note() {
    for (const auto& [name, pending] : pending_) {
      const absl::StatusOr<AppendResult> result = pending.Await();
      if (result.ok()) {
        promised_.insert(name);
        EXPECT_TRUE(result->spooled == (result->sequence == 0)) << WordOf(result);
      } else {
        EXPECT_THAT(WordOf(result), ::testing::AnyOf("UNAVAILABLE", "NOT_FOUND")) << name;
      }
    }
    pending_.clear();
  }
  void Check() {
    std::map<std::string, int> times;
    for (const std::string& event : StoredEvents()) ++times[event];
    for (const std::string& event : promised_) EXPECT_EQ(times[event], 1) << event;
    for (const auto& [event, count] : times) {
      EXPECT_LE(count, 1) << event;
      EXPECT_EQ(handed_.count(event), 1u) << event;
    }
    EXPECT_EQ(store_->Spool().conflicts_total, 0);
    EXPECT_EQ(store_->Spool().damaged, 0);
  }

  std::mt19937_64 random_;
  int64_t calls_ = 0;
  std::map<std::string, NewEvent> handed_;  // by its bytes
  std::vector<Pending> pending_;
  std::set<std::string> promised_;
};

TEST_F(SpoolCampaignTest, NothingIsLostAndNothingIsThereTwice) {
  const auto first = static_cast<uint64_t>(NumberFrom("ONHOOK_SEED", std::random_device()()));
  const int64_t rounds = NumberFrom("ONHOOK_ROUNDS", 5);
  for (int64_t round = 0; round < rounds; ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    SCOPED_TRACE(absl::StrCat("to see it again: ONHOOK_SEED=", seed, " ONHOOK_ROUNDS=1"));
    std::cout << "seed " << seed << std::endl;
    store_.reset();
    spool_disk_ = std::make_shared<MemoryDisk>();
    main_disk_ = std::make_shared<MemoryDisk>();
    Run(seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace onhook
