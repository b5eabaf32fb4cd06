#include "gateway/access/caller.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Permission kAll[] = {Permission::kSubscribe,  Permission::kCreate,
                               Permission::kAdminister, Permission::kWatch,
                               Permission::kReadEvents, Permission::kRejectedCallbacks,
                               Permission::kSeeNumbers, Permission::kMonitor};

Settings::Identity Named(const std::string& name) {
  Settings::Identity identity;
  identity.name = name;
  return identity;
}

Caller CallerOf(const Settings::Identity& identity) {
  return Caller(std::make_shared<const Settings::Identity>(identity), absl::InfiniteFuture());
}

// What makes an identity have one permission, and nothing else.
Settings::Identity With(Permission permission) {
  Settings::Identity identity = Named("one");
  switch (permission) {
    case Permission::kSubscribe:
      identity.subscribe = {"*"};
      break;
    case Permission::kCreate:
      identity.create = {"*"};
      break;
    case Permission::kAdminister:
      identity.administer = {"*"};
      break;
    case Permission::kWatch:
      identity.watch = true;
      break;
    case Permission::kReadEvents:
      identity.read_events = true;
      break;
    case Permission::kRejectedCallbacks:
      identity.rejected_callbacks = true;
      break;
    case Permission::kSeeNumbers:
      identity.see_numbers = true;
      break;
    case Permission::kMonitor:
      identity.monitor = true;
      break;
  }
  return identity;
}

TEST(CallerTest, AnybodyMayDoEverything) {
  for (const Permission permission : kAll) {
    EXPECT_TRUE(Caller::Anybody().May(permission, "crm")) << PermissionName(permission);
    EXPECT_TRUE(Caller::Anybody().Check(permission).ok()) << PermissionName(permission);
  }
  EXPECT_EQ(Caller::Anybody().name(), "");
  EXPECT_EQ(Caller::Anybody().valid_until(), absl::InfiniteFuture());
}

TEST(CallerTest, AnIdentityMayDoNothingThatItIsNotGiven) {
  for (const Permission permission : kAll) {
    EXPECT_FALSE(CallerOf(Named("crm")).May(permission, "crm")) << PermissionName(permission);
    EXPECT_FALSE(CallerOf(Named("crm")).May(permission)) << PermissionName(permission);
  }
}

TEST(CallerTest, APermissionGivesNoOther) {
  for (const Permission given : kAll) {
    for (const Permission asked : kAll) {
      EXPECT_EQ(CallerOf(With(given)).May(asked, "crm"), given == asked)
          << PermissionName(given) << " given, " << PermissionName(asked) << " asked";
      EXPECT_EQ(IsGiven(With(given), asked), given == asked);
    }
  }
}

TEST(CallerTest, APermissionOfSubscriptionsHoldsForThoseOfItsPatterns) {
  Settings::Identity identity = Named("crm");
  identity.subscribe = {"crm", "crm-*"};
  const Caller caller = CallerOf(identity);
  EXPECT_TRUE(caller.May(Permission::kSubscribe, "crm"));
  EXPECT_TRUE(caller.May(Permission::kSubscribe, "crm-berlin"));
  EXPECT_FALSE(caller.May(Permission::kSubscribe, "billing"));
  EXPECT_FALSE(caller.May(Permission::kSubscribe, ""));
  EXPECT_TRUE(caller.May(Permission::kSubscribe)) << "for some";
}

TEST(CallerTest, ARefusalNamesIdentityPermissionAndSubscription) {
  const absl::Status status = CallerOf(Named("crm")).Check(Permission::kSubscribe, "billing");
  EXPECT_EQ(status, absl::PermissionDeniedError("identity \"crm\" lacks the permission subscribe "
                                                "for the subscription \"billing\""));
  EXPECT_EQ(CallerOf(Named("crm")).Check(Permission::kWatch),
            absl::PermissionDeniedError("identity \"crm\" lacks the permission watch"));
  EXPECT_EQ(CallerOf(Named("crm")).Check(Permission::kCreate),
            absl::PermissionDeniedError(
                "identity \"crm\" lacks the permission create for any subscription"));
}

TEST(CallerTest, WhatIsNoNameOfASubscriptionIsNotRepeated) {
  for (const std::string& canary : {std::string("+49 151 0000"), std::string("a\nb"),
                                    std::string(100000, 'a'), std::string("\xFF")}) {
    const std::string message(
        CallerOf(Named("crm")).Check(Permission::kAdminister, canary).message());
    EXPECT_THAT(message, HasSubstr("for a subscription of that name"));
    EXPECT_THAT(message, Not(HasSubstr(canary)));
  }
}

TEST(CallerTest, HoldsOnToTheSettingsItWasMadeOf) {
  auto identity = std::make_shared<Settings::Identity>(With(Permission::kWatch));
  const Caller caller(identity, absl::UnixEpoch());
  identity.reset();
  EXPECT_EQ(caller.name(), "one");
  EXPECT_TRUE(caller.May(Permission::kWatch));
  EXPECT_EQ(caller.valid_until(), absl::UnixEpoch());
}

TEST(PermissionTest, EachHasItsName) {
  std::vector<std::string> names;
  for (const Permission permission : kAll) names.emplace_back(PermissionName(permission));
  EXPECT_THAT(names,
              ::testing::ElementsAre("subscribe", "create", "administer", "watch", "read_events",
                                     "rejected_callbacks", "see_numbers", "monitor"));
}

TEST(PermissionTest, ThreeAreOfSubscriptions) {
  for (const Permission permission : kAll) {
    EXPECT_EQ(IsOfSubscriptions(permission), permission == Permission::kSubscribe ||
                                                 permission == Permission::kCreate ||
                                                 permission == Permission::kAdminister);
  }
}

TEST(CallerTest, EverySubscriptionIsMeantByAPatternOfStarsAlone) {
  struct Row {
    const char* reason;
    std::vector<std::string> patterns;
    bool every;
  };
  const Row rows[] = {
      {"none", {}, false},
      {"one", {"crm"}, false},
      {"many", {"crm*", "*-eu", "a*b"}, false},
      {"nothing in particular", {""}, false},
      {"every", {"*"}, true},
      {"every, among others", {"crm", "*"}, true},
      {"every, twice", {"**"}, true},
  };
  for (const Row& row : rows) {
    Settings::Identity identity = Named("one");
    identity.administer = row.patterns;
    EXPECT_EQ(CallerOf(identity).CheckForEvery(Permission::kAdminister).ok(), row.every)
        << row.reason;
    EXPECT_FALSE(CallerOf(identity).CheckForEvery(Permission::kSubscribe).ok()) << row.reason;
  }
  EXPECT_TRUE(Caller::Anybody().CheckForEvery(Permission::kAdminister).ok());
}

}  // namespace
}  // namespace onhook
