// What is taken back is gone: open streams end, what they held goes to others, and nothing more is
// sent to whom it is not for.
#include <gmock/gmock.h>

#include <functional>

#include "absl/synchronization/blocking_counter.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/access/error_info.h"
#include "tests/access/guarded_gateway.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;

constexpr char kLeavingToken[] = "the-token-of-who-leaves";
constexpr char kStayingToken[] = "the-token-of-who-stays";
constexpr char kLeavingUri[] = "spiffe://example.org/leaving";

class RevocationTest : public testing::Test {
 protected:
  using Stub = std::unique_ptr<v1::ReleaseEventService::Stub>;

  Settings::Identity Staying() {
    return GuardedGateway::WithEverything(gateway_.ByToken("staying", kStayingToken));
  }
  Settings::Identity Leaving() {
    return GuardedGateway::WithEverything(gateway_.ByToken("leaving", kLeavingToken));
  }
  void StartInClearText() {
    GuardedGateway::Options options;
    options.access = {Leaving(), Staying()};
    gateway_.Start(options);
    leaving_stub_ = v1::ReleaseEventService::NewStub(gateway_.Plain());
    staying_stub_ = v1::ReleaseEventService::NewStub(gateway_.Plain());
    token_ = kLeavingToken;
  }
  // Who leaves has a certificate, valid for an hour.
  void StartWithTls() {
    GuardedGateway::Options options;
    options.tls = true;
    options.client_certificate = TlsOptions::ClientCertificate::kOptional;
    options.access = {
        GuardedGateway::WithEverything(GuardedGateway::ByCertificate("leaving", kLeavingUri)),
        Staying()};
    gateway_.Start(options);
    TestCertificateRequest request;
    request.uris = {kLeavingUri};
    request.usage = "clientAuth";
    request.not_after = absl::Now() + absl::Hours(1);
    leaving_stub_ =
        v1::ReleaseEventService::NewStub(gateway_.Tls(gateway_.authority().Issue(request)));
    staying_stub_ = v1::ReleaseEventService::NewStub(gateway_.Tls({}));
  }

  // Has both subscribe and watch, takes the permission back by `revoke`, and looks at what each
  // gets: nobody who left gets the call "after", and who stays gets all that the other one held.
  void ExpectEndOf(StatusCode code, const std::function<void()>& revoke) {
    gateway_.Append("before");
    Subscriber leaving(leaving_stub_.get(), token_);
    leaving.Open("crm");
    ASSERT_THAT(CallsOf(leaving.Deliveries(1)), ElementsAre("before"));
    Watcher watching(leaving_stub_.get(), {}, token_);
    ASSERT_TRUE(watching.Next().has_heartbeat());
    Subscriber staying(staying_stub_.get(), kStayingToken);
    staying.Open("crm");

    revoke();
    const auto taken_over = staying.Deliveries(1);
    ASSERT_THAT(CallsOf(taken_over), ElementsAre("before"));
    EXPECT_EQ(taken_over[0].attempt(), 1);
    gateway_.Append("after");
    EXPECT_THAT(CallsOf(staying.Deliveries(1)), ElementsAre("after"));

    EXPECT_EQ(leaving.Next().go_away().reason(), v1::GoAway::REASON_PERMISSION_REVOKED);
    EXPECT_EQ(leaving.Next().response_case(), v1::SubscribeResponse::RESPONSE_NOT_SET);
    EXPECT_EQ(leaving.End().error_code(), code);
    EXPECT_THAT(watching.Calls(1), ElementsAre());
    EXPECT_EQ(watching.End().error_code(), code);
  }

  GuardedGateway gateway_;
  Stub leaving_stub_;
  Stub staying_stub_;
  std::string token_;
};

TEST_F(RevocationTest, WhoIsTakenOffTheListLosesTheStreams) {
  StartInClearText();
  ExpectEndOf(StatusCode::UNAUTHENTICATED,
              [this] { ASSERT_TRUE(gateway_.access().Replace({Staying()}).ok()); });
}

TEST_F(RevocationTest, WhosePermissionsAreTakenLosesTheStreams) {
  StartInClearText();
  ExpectEndOf(StatusCode::PERMISSION_DENIED, [this] {
    Settings::Identity powerless = gateway_.ByToken("leaving", kLeavingToken);
    powerless.subscribe = {"another"};
    ASSERT_TRUE(gateway_.access().Replace({powerless, Staying()}).ok());
  });
}

TEST_F(RevocationTest, WhoseTokenIsReplacedLosesTheStreams) {
  StartInClearText();
  ExpectEndOf(StatusCode::UNAUTHENTICATED, [this] {
    gateway_.directory().Write("leaving.token", "another-token-of-who-leaves");
    gateway_.clock().Advance(absl::Seconds(2));
    gateway_.access().Look();
    gateway_.clock().Advance(absl::Seconds(3));  // until then the old one is good
    gateway_.access().Look();
  });
}

TEST_F(RevocationTest, WhoseCertificateExpiresLosesTheStreams) {
  StartWithTls();
  ExpectEndOf(StatusCode::UNAUTHENTICATED, [this] {
    // At once, though older streams are asked to come anew.
    gateway_.clock().Advance(absl::Minutes(61));
  });
}

TEST_F(RevocationTest, WhoseAuthorityIsTakenAwayLosesTheStreams) {
  StartWithTls();
  ExpectEndOf(StatusCode::UNAUTHENTICATED, [this] {
    gateway_.directory().Write("clients.crt", TestAuthority("Another").certificate_pem());
  });
}

// The control: a list that changes and gives the same takes nothing from anybody.
TEST_F(RevocationTest, WhoKeepsThePermissionsKeepsTheStreams) {
  StartInClearText();
  Subscriber subscriber(leaving_stub_.get(), kLeavingToken);
  subscriber.Open("crm");
  Watcher watcher(leaving_stub_.get(), {}, kLeavingToken);
  ASSERT_TRUE(watcher.Next().has_heartbeat());
  Settings::Identity renamed = Leaving();
  renamed.name = "renamed";
  ASSERT_TRUE(gateway_.access().Replace({Staying(), renamed}).ok());
  gateway_.Append("after");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("after"));
  EXPECT_THAT(watcher.Calls(1), ElementsAre("after"));
}

TEST_F(RevocationTest, TheErrorSaysWhatIsLackingWhereAndToWhom) {
  StartInClearText();
  Subscriber subscriber(leaving_stub_.get(), kLeavingToken);
  subscriber.Open("crm");
  Settings::Identity powerless = gateway_.ByToken("leaving", kLeavingToken);
  ASSERT_TRUE(gateway_.access().Replace({powerless, Staying()}).ok());
  const internal::ErrorInfo info = ErrorInfoOf(subscriber.End());
  EXPECT_EQ(info.reason(), "PERMISSION_DENIED");
  EXPECT_EQ(info.domain(), "onhook");
  EXPECT_EQ(info.metadata().at("permission"), "subscribe");
  EXPECT_EQ(info.metadata().at("subscription"), "crm");
  EXPECT_EQ(info.metadata().at("identity"), "leaving");
}

TEST_F(RevocationTest, ARequestOfARevokedStreamHasNoEffect) {
  StartInClearText();
  gateway_.Append("before");
  Subscriber subscriber(leaving_stub_.get(), kLeavingToken);
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(1);
  ASSERT_TRUE(gateway_.access().Replace({Staying()}).ok());
  subscriber.Ack(held);
  EXPECT_EQ(subscriber.End().error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ((*gateway_.store().FindQueue("crm"))->Stats().backlog_events, 1);
}

TEST_F(RevocationTest, ACallThatHadToWaitIsDecidedUponOnceMore) {
  StartInClearText();
  gateway_.store().Hold();
  const auto create = [this](const std::string& name, const std::string& token) {
    v1::CreateSubscriptionRequest request;
    request.set_name(name);
    auto context = std::make_unique<grpc::ClientContext>();
    LimitTime(*context);
    ShowToken(*context, token);
    return std::pair(std::move(context), request);
  };
  const auto stub = v1::SubscriptionService::NewStub(gateway_.Plain());
  grpc::Status first_status;
  grpc::Status second_status;
  absl::BlockingCounter answered(2);
  v1::CreateSubscriptionResponse first_response;
  v1::CreateSubscriptionResponse second_response;
  auto [first_context, first] = create("first", kStayingToken);
  auto [second_context, second] = create("second", kLeavingToken);
  stub->async()->CreateSubscription(first_context.get(), &first, &first_response,
                                    [&](grpc::Status status) {
                                      first_status = std::move(status);
                                      answered.DecrementCount();
                                    });
  gateway_.store().AwaitHeld();
  stub->async()->CreateSubscription(second_context.get(), &second, &second_response,
                                    [&](grpc::Status status) {
                                      second_status = std::move(status);
                                      answered.DecrementCount();
                                    });
  ASSERT_TRUE(gateway_.access().Replace({Staying()}).ok());
  gateway_.store().LetGo();
  answered.Wait();
  EXPECT_TRUE(first_status.ok()) << first_status.error_message();
  EXPECT_EQ(second_status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_FALSE(gateway_.store().GetSubscription("second").ok());
}

}  // namespace
}  // namespace onhook
