// One identity that opens more and more leaves the others theirs, and what was refused and changed
// is written down.
#include <gmock/gmock.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/access/error_info.h"
#include "tests/access/guarded_gateway.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kGreedyToken[] = "the-token-of-the-greedy";
constexpr char kModestToken[] = "the-token-of-the-modest";

class ShareTest : public testing::Test {
 protected:
  void Start(const DeliveryOptions& delivery) {
    GuardedGateway::Options options;
    options.delivery = delivery;
    Settings::Identity modest = gateway_.ByToken("modest", kModestToken);
    modest.watch = true;
    options.access = {GuardedGateway::WithEverything(gateway_.ByToken("greedy", kGreedyToken)),
                      modest};
    gateway_.Start(options);
    channel_ = gateway_.Plain();
    stub_ = v1::ReleaseEventService::NewStub(channel_);
  }
  std::unique_ptr<Watcher> Watch(const std::string& token) {
    return std::make_unique<Watcher>(stub_.get(), v1::WatchRequest(), token);
  }
  grpc::Status Pause(const std::string& name, const std::string& token) {
    grpc::ClientContext context;
    LimitTime(context);
    ShowToken(context, token);
    v1::PauseSubscriptionRequest request;
    request.set_name(name);
    v1::PauseSubscriptionResponse response;
    return v1::SubscriptionService::NewStub(channel_)->PauseSubscription(&context, request,
                                                                         &response);
  }

  GuardedGateway gateway_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

TEST_F(ShareTest, AnIdentityHasNoMoreStreamsThanItsShare) {
  DeliveryOptions delivery;
  delivery.max_streams_per_identity = 2;
  Start(delivery);
  auto first = Watch(kGreedyToken);
  auto second = Watch(kGreedyToken);
  ASSERT_TRUE(first->Next().has_heartbeat());
  ASSERT_TRUE(second->Next().has_heartbeat());
  const grpc::Status refused = Watch(kGreedyToken)->End();
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "TOO_MANY_STREAMS");
  EXPECT_EQ(ErrorInfoOf(refused).metadata().at("limit"), "identity");
  EXPECT_EQ(ErrorInfoOf(refused).metadata().at("identity"), "greedy");
  EXPECT_TRUE(Watch(kModestToken)->Next().has_heartbeat());
  EXPECT_THAT(gateway_.MetricsText(),
              HasSubstr("onhook_grpc_calls_refused_total{reason=\"too_many\"} 1"));
  // What ends makes room again. The gateway hears of the end a moment later.
  first.reset();
  bool is_open = false;
  for (int i = 0; i < 10'000 && !is_open; ++i)
    is_open = Watch(kGreedyToken)->Next().has_heartbeat();
  EXPECT_TRUE(is_open);
}

TEST_F(ShareTest, TheLimitOfAllIsToldAsThat) {
  DeliveryOptions delivery;
  delivery.max_streams = 1;
  Start(delivery);
  const auto first = Watch(kGreedyToken);
  ASSERT_TRUE(first->Next().has_heartbeat());
  EXPECT_EQ(ErrorInfoOf(Watch(kModestToken)->End()).metadata().at("limit"), "gateway");
}

TEST_F(ShareTest, AnIdentityHasNoMoreConnectionsThanItsShare) {
  DeliveryOptions delivery;
  delivery.max_connections_per_identity = 1;
  Start(delivery);
  const auto first = Watch(kGreedyToken);
  ASSERT_TRUE(first->Next().has_heartbeat());
  const auto another = v1::ReleaseEventService::NewStub(gateway_.Plain());
  const grpc::Status refused = Watcher(another.get(), {}, kGreedyToken).End();
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "TOO_MANY_CONNECTIONS");
  EXPECT_EQ(ErrorInfoOf(refused).metadata().at("identity"), "greedy");
}

TEST_F(ShareTest, ARefusalIsCountedAndLoggedWithoutWhatWasShown) {
  Start({});
  EXPECT_EQ(Pause("crm", kModestToken).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Pause("crm", "a-token-of-nobody-at-all").error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(gateway_.MetricsText(),
              AllOf(HasSubstr("onhook_grpc_calls_refused_total{reason=\"permission_denied\"} 1"),
                    HasSubstr("onhook_grpc_calls_refused_total{reason=\"unauthenticated\"} 1")));
  EXPECT_THAT(gateway_.log(),
              AllOf(HasSubstr("a call was refused"), HasSubstr("modest"),
                    HasSubstr("/onhook.v1.SubscriptionService/PauseSubscription"),
                    Not(HasSubstr(kModestToken)), Not(HasSubstr("a-token-of-nobody"))));
}

TEST_F(ShareTest, WhoeverCallsAgainAndAgainDoesNotFillTheLog) {
  Start({});
  const auto lines = [this] {
    const std::string log = gateway_.log();
    return std::count(log.begin(), log.end(), '\n');
  };
  EXPECT_FALSE(Pause("crm", kModestToken).ok());
  const auto before = lines();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Pause("crm", kModestToken).ok());
  EXPECT_EQ(lines(), before);
}

TEST_F(ShareTest, WhoChangesSomethingLeavesALineInTheLog) {
  Start({});
  ASSERT_TRUE(gateway_.store().CreateSubscription("crm", {}).ok());
  EXPECT_TRUE(Pause("crm", kGreedyToken).ok());
  EXPECT_THAT(gateway_.log(),
              AllOf(HasSubstr("a call of administration was made"), HasSubstr("greedy"),
                    HasSubstr("PauseSubscription"), HasSubstr("crm")));
}

// Nothing that somebody sends gets into the log but what could be a subscription's name.
TEST_F(ShareTest, WhatIsNoNameIsNotRepeated) {
  Start({});
  const grpc::Status refused = Pause("call 88880067", kModestToken);
  EXPECT_EQ(refused.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), Not(HasSubstr("88880067")));
  EXPECT_EQ(ErrorInfoOf(refused).metadata().count("subscription"), 0u);
  EXPECT_EQ(Pause("call 88880067", kGreedyToken).error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(gateway_.log(), Not(HasSubstr("88880067")));
}

TEST_F(ShareTest, CreatingByAStreamTakesThePermissionIfTheSubscriptionIsMissing) {
  Start({});
  Settings::Identity reader = gateway_.ByToken("reader", "the-token-of-the-reader");
  reader.subscribe = {"*"};
  ASSERT_TRUE(gateway_.access().Replace({reader}).ok());
  ASSERT_TRUE(gateway_.store().CreateSubscription("there", {}).ok());
  Subscriber refused(stub_.get(), "the-token-of-the-reader");
  refused.Open("missing");
  const grpc::Status status = refused.End();
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("permission"), "create");
  EXPECT_FALSE(gateway_.store().GetSubscription("missing").ok());
  Subscriber taken(stub_.get(), "the-token-of-the-reader");
  EXPECT_FALSE(taken.Open("there").store_id().empty());
}

}  // namespace
}  // namespace onhook
