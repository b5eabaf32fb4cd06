// Sources that come, change and go while the gateway runs.
#include "tests/component/reload_fixture.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReloadSourcesTest : public ReloadFixture {
 protected:
  void StartWith(const std::vector<Settings::Source>& sources) {
    settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
    settings_.sources = sources;
    StartGateway();
  }
  std::string Metrics() const { return AskAdmin("/metrics").body; }
};

TEST_F(ReloadSourcesTest, ASourceThatIsAddedIsServedAndOneThatIsRemovedIsNotFound) {
  StartWith({Storing("first")});
  EXPECT_EQ(PostTo("/second", "1").status, 404);
  settings_.sources = {Storing("first"), Storing("second")};
  Reload();
  EXPECT_EQ(PostTo("/second", "2").status, 200);
  EXPECT_EQ(PostTo("/first", "3").status, 200);
  settings_.sources = {Storing("second")};
  Reload();
  EXPECT_EQ(PostTo("/first", "4").status, 404);
  EXPECT_EQ(PostTo("/second", "5").status, 200);
  EXPECT_THAT(StoredCalls(), ElementsAre("2", "3", "5"));
}

// A file that was cut off has no sources, and by default there is one that lets everybody in.
TEST_F(ReloadSourcesTest, SourcesThatAreGoneOpenNothing) {
  StartWith({Storing("first")});
  settings_.sources = Settings().sources;
  settings_.sources[0].acknowledge = settings_.acknowledge;
  EXPECT_THAT(LinesOf(settings_), Contains(HasSubstr("sources: are not given any more")));
  EXPECT_FALSE(ReloadWasSuccessful());
  EXPECT_EQ(PostTo("/release-events", "1").status, 404);
  EXPECT_EQ(PostTo("/first", "2").status, 200);
}

TEST_F(ReloadSourcesTest, WhoHadNoSourcesMayHaveAnotherPolicyForAll) {
  StartWith(Settings().sources);
  settings_.acknowledge.timeout = absl::Milliseconds(70);
  settings_.sources[0].acknowledge = settings_.acknowledge;
  Reload();
  EXPECT_TRUE(ReloadWasSuccessful());
}

TEST_F(ReloadSourcesTest, WhatWasCountedOfASourceStaysWhenItGoesAndGoesOnWhenItComesBack) {
  StartWith({Storing("first")});
  const char* const kOne = R"(onhook_callbacks_total{outcome="success",source="first"} 1)";
  const char* const kTwo = R"(onhook_callbacks_total{outcome="success",source="first"} 2)";
  PostTo("/first", "1");
  settings_.sources = {Storing("second")};
  Reload();
  EXPECT_THAT(Metrics(), HasSubstr(kOne));
  settings_.sources = {Storing("first")};
  Reload();
  PostTo("/first", "2");
  EXPECT_THAT(Metrics(), HasSubstr(kTwo));
}

TEST_F(ReloadSourcesTest, EveryMemberOfASourceChangesWithTheNextRequest) {
  StartWith({Storing("first")});
  const std::string token = directory_.Write("token", "token-of-first-000000");
  settings_.sources[0].bearer.emplace().token_files = {token};
  Reload();
  EXPECT_EQ(PostTo("/first", "1").status, 401);
  EXPECT_EQ(PostTo("/first", "2", "Authorization: Bearer token-of-first-000000\r\n").status, 200);
  settings_.sources[0].always_200 = true;
  Reload();
  EXPECT_EQ(PostTo("/first", "3").status, 200);
  EXPECT_THAT(PostTo("/first", "3").body, HasSubstr(R"("retCode":"1")"));
  settings_.sources[0].bearer.reset();
  settings_.sources[0].always_200 = false;
  settings_.sources[0].allowed_networks = {*IpNetwork::Parse("198.51.100.0/24")};
  Reload();
  EXPECT_EQ(PostTo("/first", "4").status, 403);
  settings_.sources[0].trusted_proxies = {*IpNetwork::Parse("127.0.0.0/8")};
  Reload();
  EXPECT_EQ(PostTo("/first", "5", "X-Forwarded-For: 198.51.100.7\r\n").status, 200);
  settings_.sources[0].allowed_networks.clear();
  settings_.sources[0].path = "/elsewhere";
  Reload();
  EXPECT_EQ(PostTo("/first", "6").status, 404);
  EXPECT_EQ(PostTo("/elsewhere", "7").status, 200);
  EXPECT_THAT(StoredCalls(), ElementsAre("2", "5", "7"));
}

TEST_F(ReloadSourcesTest, AnotherTimeZoneIsThatOfTheEventsThatCome) {
  StartWith({Storing("first")});
  const auto zone_of_next = [&](absl::string_view call) {
    PostTo("/first", call);
    v1::WatchRequest request;
    request.set_position(v1::START_POSITION_EARLIEST);
    request.set_stop_at_end(true);
    Watcher watcher = Watch(request);
    std::string zone;
    for (v1::WatchResponse response = watcher.Next();
         response.response_case() != v1::WatchResponse::RESPONSE_NOT_SET;
         response = watcher.Next()) {
      for (const auto& watched : response.events().events()) {
        zone = watched.event().time_zone();
      }
    }
    return zone;
  };
  EXPECT_EQ(zone_of_next("1"), "UTC");
  settings_.sources[0].time_zone = "Asia/Shanghai";
  Reload();
  EXPECT_EQ(zone_of_next("2"), "Asia/Shanghai");
}

TEST_F(ReloadSourcesTest, ACallbackUnderWayIsAnsweredByTheSourceThatItCameTo) {
  settings_.sources[0].name = "first";
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_events(1);
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("0").body, kSuccess);
  const std::vector<v1::Delivery> held = subscriber.Deliveries(1);
  RawHttpClient client(gateway_->http_port());
  client.Send(PostOf(CallbackOf("1")));
  while (StoredCalls().size() < 2) {
  }
  settings_.sources = {Storing("second")};
  Reload();
  EXPECT_EQ(PostCall("2").status, 404);
  AckDurably(subscriber, held);
  EXPECT_EQ(subscriber.Deliveries(1).size(), 1u);
  EXPECT_EQ(client.ReadAnswer().body, kSuccess);
}

TEST_F(ReloadSourcesTest, ASourceMayWaitForASubscriptionThatNobodyWaitedForBefore) {
  settings_.subscriptions = {{"crm", {}}, {"billing", {}}};
  StartGateway();
  Subscriber crm = Subscribe();
  Subscriber billing = Subscribe();
  crm.Open("crm");
  billing.Open("billing");
  settings_.sources[0].acknowledge.subscriptions = {"crm", "billing"};
  Reload();
  ASSERT_TRUE(ReloadWasSuccessful());
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(crm.Deliveries(1).size(), 1u);
  EXPECT_EQ(billing.Deliveries(1).size(), 1u);
}

TEST_F(ReloadSourcesTest, ASourceThatWaitsForASubscriptionOfTheNewFileTakesARestart) {
  StartGateway();
  settings_.subscriptions = {{"crm", {}}};
  settings_.sources[0].acknowledge.subscriptions = {"crm"};
  EXPECT_THAT(LinesOf(settings_), Contains(HasSubstr("crm is not declared")));
  EXPECT_FALSE(ReloadWasSuccessful());
}

TEST_F(ReloadSourcesTest, AnOpenSourceIsWarnedAboutWhenItComes) {
  StartWith({Storing("first")});
  settings_.sources.push_back(Storing("second"));
  EXPECT_THAT(LinesOf(settings_), Contains(HasSubstr(R"("source":"second")")));
}

}  // namespace
}  // namespace onhook
