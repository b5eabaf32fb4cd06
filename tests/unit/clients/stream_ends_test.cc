#include "clients/cpp/stream_ends.h"

#include <gtest/gtest.h>

namespace onhook::client {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

ClientOptions ShowingAToken() {
  ClientOptions options;
  options.security.token_file = "token";
  options.reconnect.rotation_patience = absl::Minutes(2);
  return options;
}

StreamEnd Refused(bool opened = false) {
  return {absl::UnauthenticatedError("nobody known"), opened, false};
}

StreamEnd Lost(bool opened) { return {absl::UnavailableError("lost"), opened, false}; }

StreamEnd WaitedInVain(const std::string& fault) {
  return {LocalError(absl::StatusCode::kUnavailable, fault, "NOBODY_LISTENS"), false, true};
}

TEST(StreamEndsTest, WhoNeverWasLetInIsWrong) {
  StreamEnds ends(ShowingAToken());
  EXPECT_FALSE(ends.IsFinal(Lost(false), kStart));
  EXPECT_TRUE(ends.IsFinal(Refused(), kStart));
}

TEST(StreamEndsTest, WhoWasLetInIsTriedAgainForAWhile) {
  StreamEnds ends(ShowingAToken());
  EXPECT_FALSE(ends.IsFinal(Refused(/*opened=*/true), kStart));
  EXPECT_FALSE(ends.IsFinal(Lost(false), kStart + absl::Seconds(60)));
  EXPECT_FALSE(ends.IsFinal(Refused(), kStart + absl::Seconds(119)));
  EXPECT_TRUE(ends.IsFinal(Refused(), kStart + absl::Seconds(120)));
}

TEST(StreamEndsTest, APlannedEndShowsThatItWasLetIn) {
  StreamEnds ends(ShowingAToken());
  EXPECT_FALSE(ends.IsFinal({absl::OkStatus(), /*opened=*/true, false}, kStart));
  EXPECT_FALSE(ends.IsFinal(Refused(), kStart));
}

TEST(StreamEndsTest, WhoIsLetInAgainHasAllTheTimeAgain) {
  StreamEnds ends(ShowingAToken());
  EXPECT_FALSE(ends.IsFinal(Refused(/*opened=*/true), kStart));
  EXPECT_FALSE(ends.IsFinal(Lost(/*opened=*/true), kStart + absl::Hours(1)));
  EXPECT_FALSE(ends.IsFinal(Refused(), kStart + absl::Hours(2)));
  EXPECT_FALSE(ends.IsFinal(Refused(), kStart + absl::Hours(2) + absl::Minutes(1)));
}

TEST(StreamEndsTest, WhoShowsNothingHasNothingThatCouldChange) {
  StreamEnds ends{ClientOptions()};
  EXPECT_TRUE(ends.IsFinal(Refused(/*opened=*/true), kStart));
}

TEST(StreamEndsTest, APermissionThatLacksIsNotWaitedFor) {
  StreamEnds ends(ShowingAToken());
  EXPECT_FALSE(ends.IsFinal(Lost(/*opened=*/true), kStart));
  EXPECT_TRUE(ends.IsFinal({absl::PermissionDeniedError("no"), true, false}, kStart));
}

TEST(StreamEndsTest, WhileNothingComesAboutOnlyAnotherFaultIsNews) {
  StreamEnds ends(ShowingAToken());
  EXPECT_TRUE(ends.IsNews(Lost(true)));
  EXPECT_TRUE(ends.IsNews(WaitedInVain("nobody listens")));
  EXPECT_FALSE(ends.IsNews(WaitedInVain("nobody listens")));
  EXPECT_TRUE(ends.IsNews(WaitedInVain("it expired")));
  // Of which nothing was found out.
  EXPECT_FALSE(ends.IsNews({absl::UnavailableError("no connection"), false, true}));
  EXPECT_TRUE(ends.IsNews(Lost(true)));
  EXPECT_TRUE(ends.IsNews(Lost(true)));
}

}  // namespace
}  // namespace onhook::client
