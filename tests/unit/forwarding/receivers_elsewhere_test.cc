#include "gateway/forwarding/receivers_elsewhere.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/forwarding/shared_event_log.h"

namespace onhook {
namespace {

constexpr absl::Duration kTime = absl::Milliseconds(500);
// Said every 100 ms, and counted over one that is lost.
constexpr absl::Duration kCounts = absl::Milliseconds(250);

class ReceiversElsewhereTest : public ::testing::Test {
 protected:
  ReceiversElsewhereTest() { clock_.Advance(absl::Hours(1)); }

  bool Anybody() { return elsewhere_.AnybodyWithin(kTime, event_); }
  bool AnySubscription() { return elsewhere_.AnySubscriptionWithin(kTime, event_); }
  bool Is(const std::string& receiver) { return elsewhere_.Within(receiver, kTime, event_); }

  ManualClock clock_;
  SharedEventLog::Common common_;
  SharedEventLog log_{&common_};
  Eligibility here_{&clock_};
  bool wanted_ = true;
  ReceiversElsewhere elsewhere_{&clock_, &log_, &here_, [this](const std::string&) {
                                  return [this](const v1::ReleaseEvent&) { return wanted_; };
                                }};
  v1::ReleaseEvent event_;
};

TEST_F(ReceiversElsewhereTest, NobodyIsThereUntilHeardOf) {
  EXPECT_FALSE(Anybody());
  elsewhere_.Heard({"watch"});
  EXPECT_TRUE(Anybody());
  EXPECT_FALSE(AnySubscription());
  elsewhere_.Heard({"watch", "subscription/crm"});
  EXPECT_TRUE(AnySubscription());
  EXPECT_TRUE(Is("subscription/crm"));
  EXPECT_FALSE(Is("subscription/billing"));
}

TEST_F(ReceiversElsewhereTest, WhatIsHeardCountsALittleLongerThanWhatIsHere) {
  elsewhere_.Heard({"watch"});
  clock_.Advance(kTime + kCounts);
  EXPECT_TRUE(Anybody());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(Anybody());
  elsewhere_.Heard({"watch"});
  EXPECT_TRUE(Anybody());
}

TEST_F(ReceiversElsewhereTest, WhatNobodyWantsNobodyIsEligibleFor) {
  elsewhere_.Heard({"subscription/crm"});
  wanted_ = false;
  EXPECT_FALSE(Anybody());
}

TEST_F(ReceiversElsewhereTest, WhoIsNotHeardOfForLongIsForgottenAndMayComeBack) {
  for (int i = 0; i < 3; ++i) {
    elsewhere_.Heard({"subscription/crm"});
    EXPECT_TRUE(Is("subscription/crm"));
    clock_.Advance(absl::Minutes(2));
    elsewhere_.Heard({"watch"});
    EXPECT_FALSE(Is("subscription/crm"));
  }
}

TEST_F(ReceiversElsewhereTest, NamesFromTheNetworkFillNoMemory) {
  for (int i = 0; i < 2000; i += 100) {
    std::vector<std::string> names;
    for (int k = i; k < i + 100; ++k) names.push_back(absl::StrCat("subscription/", k));
    elsewhere_.Heard(names);
  }
  EXPECT_TRUE(Is("subscription/1023"));
  EXPECT_FALSE(Is("subscription/1024"));
}

TEST_F(ReceiversElsewhereTest, OnlyStreamsThatAreHereAreToldOf) {
  elsewhere_.Heard({"subscription/elsewhere"});
  const auto one = here_.Add("subscription/crm", nullptr);
  const auto another = here_.Add("subscription/crm", nullptr);
  const auto waiting = here_.Add("subscription/billing", nullptr);
  one->Set(true);
  another->Set(true);
  log_.AwaitTold({"subscription/crm"});
  waiting->Set(true);
  elsewhere_.TellSoon();
  log_.AwaitTold({"subscription/billing", "subscription/crm"});
}

}  // namespace
}  // namespace onhook
