// Promise P9 of gateway/store/event_log.h, kept by every engine. What the clock may do to it, see
// tests/unit/store/admission_test.cc.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A signed event: its nonce is its name.
NewEvent Signed(const std::string& nonce, const std::string& call,
                const std::string& content = "content") {
  NewEvent event = MakeEvent(call, content);
  event.nonce = NewEvent::Nonce{nonce, 1645524276123, true};
  return event;
}

class NonceContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    if (const std::string missing = engine_->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  }
  EventLog& log() { return engine_->log(); }
  // "1", "1 again", or the error.
  std::vector<std::string> Answers(std::vector<NewEvent> events) {
    std::vector<std::string> answers;
    for (const auto& result : AppendAll(log(), std::move(events))) {
      answers.push_back(result.ok()
                            ? absl::StrCat(result->sequence, result->duplicate ? " again" : "")
                            : absl::StatusCodeToString(result.status().code()));
    }
    return answers;
  }
  std::string Answer(NewEvent event) { return Answers({std::move(event)})[0]; }
  std::vector<std::string> Stored() { return Contents(ReadPage(log(), 0).events); }

  std::unique_ptr<Engine> engine_ = GetParam().make();
};

TEST_P(NonceContract, P9_ANonceGoesWithOneContent) {
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1");
  EXPECT_EQ(Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(Answer(Signed("n", "another call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1 again");
  EXPECT_THAT(Stored(), ElementsAre("genuine"));
}

TEST_P(NonceContract, P9_AlsoAfterACrashAndARestart) {
  Answer(Signed("n", "call", "genuine"));
  engine_->Crash();
  EXPECT_EQ(Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  engine_->Restart();
  EXPECT_EQ(Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1 again");
}

TEST_P(NonceContract, P9_InOneCommitTheFirstCountsAndTheOthersGoOn) {
  const std::vector<std::string> answers =
      Answers({Signed("n", "1", "genuine"), Signed("n", "1", "altered"), Signed("m", "2"),
               Signed("n", "1", "genuine"), MakeEvent("3"), Signed("m", "2", "altered")});
  EXPECT_EQ(log().last(), 3);
  if (engine_->keeps_order_of_signed()) {
    EXPECT_THAT(answers,
                ElementsAre("1", "PERMISSION_DENIED", "2", "1 again", "3", "PERMISSION_DENIED"));
    return;
  }
  // Whichever content a nonce goes with, it is one.
  const std::string denied = "PERMISSION_DENIED";
  EXPECT_NE(answers[0] == denied, answers[1] == denied);
  EXPECT_EQ(answers[0] == denied, answers[3] == denied);
  EXPECT_NE(answers[2] == denied, answers[5] == denied);
  EXPECT_NE(answers[4], denied);
  EXPECT_EQ(Stored().size(), 3u);
}

TEST_P(NonceContract, P9_FromManyThreadsOneContentIsStored) {
  constexpr int kThreads = 8;
  std::vector<std::string> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &answer = answers[static_cast<size_t>(t)]] {
      answer = Answer(Signed("n", "call", absl::StrCat("content ", t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(answers.begin(), answers.end(), "1"), 1);
  EXPECT_EQ(std::count(answers.begin(), answers.end(), "PERMISSION_DENIED"), kThreads - 1);
  EXPECT_EQ(log().last(), 1);
}

TEST_P(NonceContract, ANonceIsOneWithItsTimestampAndSource) {
  NewEvent later = Signed("n", "2");
  later.nonce->timestamp_ms += 1;
  NewEvent elsewhere = Signed("n", "3");
  elsewhere.source = "sales";
  std::vector<std::string> answers =
      Answers({Signed("n", "1"), later, elsewhere, Signed("", "4"), Signed("-1", "5")});
  if (!engine_->keeps_order_of_signed()) std::sort(answers.begin(), answers.end());
  EXPECT_THAT(answers, ElementsAre("1", "2", "3", "4", "5"));
}

TEST_P(NonceContract, ARepeatSignedAnewIsARepeatAndBindsItsNonceToo) {
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1");
  EXPECT_EQ(Answer(Signed("m", "call", "genuine")), "1 again");
  EXPECT_EQ(Answer(Signed("m", "call", "altered")), "PERMISSION_DENIED");
}

TEST_P(NonceContract, WhatMayOnlyBeARepeatIsOneOrIsRefused) {
  NewEvent stale = Signed("n", "call", "genuine");
  stale.only_if_known = true;
  EXPECT_EQ(Answer(stale), "NOT_FOUND");
  EXPECT_THAT(Stored(), IsEmpty());
  EXPECT_EQ(Answer(Signed("n", "another call")), "1") << "it was not kept";
  EXPECT_EQ(Answer(stale), "PERMISSION_DENIED");
  NewEvent unsigned_repeat = MakeEvent("another call");
  unsigned_repeat.only_if_known = true;
  EXPECT_EQ(Answer(unsigned_repeat), "1 again");
}

TEST_P(NonceContract, InOneCommitWhatMayOnlyBeARepeatFindsItsOriginal) {
  NewEvent stale = Signed("m", "1");
  stale.only_if_known = true;
  NewEvent unknown = MakeEvent("2");
  unknown.only_if_known = true;
  EXPECT_THAT(Answers({MakeEvent("1"), stale, unknown, MakeEvent("3")}),
              ElementsAre("1", "1 again", "NOT_FOUND", "2"));
}

TEST_P(NonceContract, P9_ANonceThatWasForgottenAdmitsRepeatsOnly) {
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1");
  engine_->clock().Advance(absl::Hours(49));
  Until([this] { return Answer(Signed("n", "call", "altered")) == "NOT_FOUND"; });
  engine_->Crash();
  EXPECT_EQ(Answer(Signed("n", "call", "altered")), "NOT_FOUND");
  EXPECT_EQ(Answer(Signed("n", "call", "genuine")), "1 again");
  NewEvent later = Signed("m", "2");
  later.nonce->timestamp_ms += 1;
  EXPECT_EQ(Answer(later), "2");
}

TEST_P(NonceContract, SequencesHaveNoGapWhereSomethingWasRefused) {
  Answer(Signed("n", "1"));
  EXPECT_THAT(Answers({Signed("n", "1", "altered"), MakeEvent("2")}),
              ElementsAre("PERMISSION_DENIED", "2"));
  engine_->Crash();
  EXPECT_EQ(Answer(MakeEvent("3")), "3");
}

INSTANTIATE_TEST_SUITE_P(Engines, NonceContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
