#include "gateway/forwarding/eligibility.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

constexpr absl::Duration kTime = absl::Milliseconds(500);
constexpr absl::Duration kLonger = absl::Milliseconds(501);

class EligibilityTest : public ::testing::Test {
 protected:
  std::shared_ptr<EligibleStream> Eligible(const std::string& receiver,
                                           EligibleStream::Wants wants = nullptr) {
    auto stream = eligibility_.Add(receiver, std::move(wants));
    stream->Set(true);
    return stream;
  }
  bool Anybody(absl::Duration time = kTime) { return eligibility_.AnybodyWithin(time, event_); }
  bool AnySubscription() { return eligibility_.AnySubscriptionWithin(kTime, event_); }
  bool Is(const std::string& receiver) { return eligibility_.Within(receiver, kTime, event_); }

  ManualClock clock_;
  Eligibility eligibility_{&clock_};
  v1::ReleaseEvent event_;
};

TEST_F(EligibilityTest, AtStartAllHaveJustBeen) {
  clock_.Advance(kTime);
  EXPECT_TRUE(Anybody());
  EXPECT_TRUE(AnySubscription());
  EXPECT_TRUE(Is("subscription/a"));
}

TEST_F(EligibilityTest, WithoutStreamsNobodyIsForLong) {
  clock_.Advance(kLonger);
  EXPECT_FALSE(Anybody());
  EXPECT_FALSE(AnySubscription());
  EXPECT_FALSE(Is("subscription/a"));
}

TEST_F(EligibilityTest, AWatchIsAnybodyButNoSubscription) {
  clock_.Advance(kLonger);
  const auto watch = Eligible("watch");
  EXPECT_TRUE(Anybody());
  EXPECT_FALSE(AnySubscription());
  EXPECT_FALSE(Is("subscription/a"));
}

TEST_F(EligibilityTest, ASubscriptionSpeaksForItselfAlone) {
  clock_.Advance(kLonger);
  const auto a = Eligible("subscription/a");
  EXPECT_TRUE(Anybody());
  EXPECT_TRUE(AnySubscription());
  EXPECT_TRUE(Is("subscription/a"));
  EXPECT_FALSE(Is("subscription/b"));
}

TEST_F(EligibilityTest, AStreamCountsOnlyForEventsThatItWants) {
  clock_.Advance(kLonger);
  const auto sales =
      Eligible("watch", [](const v1::ReleaseEvent& event) { return event.source() == "sales"; });
  EXPECT_FALSE(Anybody());
  event_.set_source("sales");
  EXPECT_TRUE(Anybody());
  sales->Leave();
  EXPECT_TRUE(Anybody()) << "a moment ago";
  event_.set_source("service");
  EXPECT_FALSE(Anybody());
}

TEST_F(EligibilityTest, AStreamThatNeverWasEligibleIsNot) {
  clock_.Advance(kLonger);
  const auto stream = eligibility_.Add("watch", nullptr);
  EXPECT_FALSE(Anybody());
  stream->Set(false);
  EXPECT_FALSE(Anybody());
}

TEST_F(EligibilityTest, TheLastStreamsEndCountsFromWhenItWas) {
  const auto first = Eligible("subscription/a");
  const auto second = Eligible("subscription/a");
  clock_.Advance(10 * kLonger);
  first->Set(false);
  clock_.Advance(kLonger);
  EXPECT_TRUE(Is("subscription/a")) << "one is left";
  second->Leave();
  clock_.Advance(kTime);
  EXPECT_TRUE(Is("subscription/a"));
  clock_.Advance(kLonger);
  EXPECT_FALSE(Is("subscription/a"));
}

TEST_F(EligibilityTest, OneThatLeftCountsForAMinuteAtMost) {
  clock_.Advance(absl::Hours(2));
  Eligible("watch")->Leave();
  const auto resting = Eligible("subscription/a");
  resting->Set(false);
  clock_.Advance(absl::Seconds(61));
  EXPECT_TRUE(Anybody(absl::Hours(1))) << "the one that is still there";
  resting->Leave();
  EXPECT_FALSE(Anybody(absl::Hours(1)));
}

TEST_F(EligibilityTest, OfManyStreamsOfASubscriptionOneIsAsked) {
  clock_.Advance(kLonger);
  int asked = 0;
  std::vector<std::shared_ptr<EligibleStream>> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(Eligible("subscription/a", [&](const v1::ReleaseEvent&) {
      ++asked;
      return false;
    }));
  }
  EXPECT_FALSE(Anybody());
  EXPECT_EQ(asked, 1);
}

TEST_F(EligibilityTest, WhoWantedTheLastEventIsAskedFirst) {
  clock_.Advance(kLonger);
  int asked = 0;
  std::vector<std::shared_ptr<EligibleStream>> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(Eligible("watch", [&asked, i](const v1::ReleaseEvent&) {
      ++asked;
      return i == 70;
    }));
  }
  EXPECT_TRUE(Anybody());
  asked = 0;
  EXPECT_TRUE(Anybody());
  EXPECT_EQ(asked, 1);
  streams[70]->Leave();
  clock_.Advance(kLonger);
  EXPECT_FALSE(Anybody());
}

TEST_F(EligibilityTest, StreamsThatComeAndGoFillNoMemory) {
  auto wanted = std::make_shared<int>();
  for (int i = 0; i < 5000; ++i) {
    Eligible("watch", [wanted](const v1::ReleaseEvent&) { return *wanted == 0; })->Leave();
  }
  EXPECT_LT(wanted.use_count(), 1100);
  clock_.Advance(absl::Minutes(2));
  const auto last = Eligible("watch");
  EXPECT_EQ(wanted.use_count(), 1);
}

// For races: streams that come, change and go while it is asked for them.
TEST_F(EligibilityTest, ManyThreadsMayAskAndChange) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this] {
      for (int round = 0; round < 200; ++round) {
        const auto stream = Eligible("subscription/a");
        EXPECT_TRUE(Is("subscription/a"));
        stream->Leave();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  clock_.Advance(kLonger);
  EXPECT_FALSE(AnySubscription());
}

}  // namespace
}  // namespace onhook
