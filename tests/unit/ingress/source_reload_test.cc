// What a handler knows of sources that are replaced by others.
#include "tests/unit/ingress/callback_handler_fixture.h"

namespace onhook {
namespace {

class SourceReloadTest : public CallbackHandlerFixture {
 protected:
  // The sources are this one, as it has been set up.
  void Reload() {
    settings_.sources = {source_};
    absl::StatusOr<std::vector<CallbackSource>> sources = OpenSources(settings_, secrets_);
    ASSERT_TRUE(sources.ok()) << sources.status();
    Handler().SetSources(*std::move(sources), settings_.quarantine);
  }
  void Authorize(absl::string_view token) {
    headers_ = {{"Authorization", bearer_ = absl::StrCat("Bearer ", token)}};
  }

  std::string bearer_;
};

constexpr char kCallback[] = R"({"callSerialNo":"1","called":"2"})";
constexpr char kOld[] = "token-that-was-first";
constexpr char kNew[] = "token-that-comes-next";

TEST_F(SourceReloadTest, WhatAFileOfASecretReplacedOfLateIsGoodThroughAReload) {
  const std::string file = SecretFile("token", kOld);
  source_.bearer.emplace().token_files = {file};
  Authorize(kOld);
  EXPECT_EQ(Post(kCallback).status, 200);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Post(kCallback).status, 200);
  SecretFile("token", kNew);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Post(kCallback).status, 200) << "it was replaced just now";
  source_.time_zone = "Asia/Shanghai";
  Reload();
  EXPECT_EQ(Post(kCallback).status, 200);
  Authorize(kNew);
  EXPECT_EQ(Post(kCallback).status, 200);
  clock_.Advance(absl::Seconds(3));
  Authorize(kOld);
  EXPECT_EQ(Post(kCallback).status, 401);
}

TEST_F(SourceReloadTest, AFileThatIsNamedNoMoreIsForgottenAndReadWhenItIsNamedAgain) {
  source_.bearer.emplace().token_files = {SecretFile("first", kOld)};
  Authorize(kOld);
  EXPECT_EQ(Post(kCallback).status, 200);
  source_.bearer->token_files = {SecretFile("second", kNew)};
  Reload();
  EXPECT_EQ(Post(kCallback).status, 401);
  source_.bearer->token_files = {SecretFile("first", "another-token-000000")};
  Reload();
  EXPECT_EQ(Post(kCallback).status, 401);
  Authorize("another-token-000000");
  EXPECT_EQ(Post(kCallback).status, 200);
}

TEST_F(SourceReloadTest, TheBudgetOfTheQuarantineIsThatOfTheSourceWhateverItsSettings) {
  settings_.quarantine.rate = 1;
  settings_.quarantine.burst = 2;
  EXPECT_EQ(Post("bad 1").status, 400);
  EXPECT_EQ(Post("bad 2").status, 400);
  EXPECT_EQ(Post("bad 3").status, 503);
  source_.path = "/elsewhere";
  settings_.quarantine.burst = 10;
  Reload();
  EXPECT_EQ(Post("bad 4").status, 503) << "what was taken stays taken";
  clock_.Advance(absl::Seconds(10));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Post(absl::StrCat("bad again ", i)).status, 400) << i;
  EXPECT_EQ(Post("bad last").status, 503);
}

TEST_F(SourceReloadTest, BodiesAreKeptFromNowOn) {
  EXPECT_EQ(Post(kCallback).status, 200);
  settings_.store.keep_raw_body = true;
  Reload();
  EXPECT_EQ(Post(kCallback).status, 200);
  ASSERT_EQ(event_log_.appended().size(), 2u);
  EXPECT_TRUE(event_log_.appended()[0].raw_body.empty());
  EXPECT_EQ(event_log_.appended()[1].raw_body, kCallback);
}

TEST_F(SourceReloadTest, WhatWasKeptIsJudgedByTheSourceOfNow) {
  EXPECT_EQ(Post(R"({"callSerialNo":"1","called":"2","a":{"b":{}}})").status, 200);
  settings_.callbacks.max_nesting = 1;
  Reload();
  EXPECT_EQ(Post(R"({"callSerialNo":"2","called":"2","a":{"b":{}}})").status, 400);
  EXPECT_EQ(JudgeAgain().event_id, "");
  settings_.callbacks.max_nesting = 16;
  Reload();
  EXPECT_NE(JudgeAgain().event_id, "");
}

}  // namespace
}  // namespace onhook
