// What is taken back is gone: open streams end, what they held goes to others, and nothing more is
// sent to whom it is not for.
#include <gmock/gmock.h>

#include <functional>

#include "absl/synchronization/mutex.h"
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
  void StartInClearText(const DeliveryOptions& delivery = GuardedGateway::Options().delivery) {
    GuardedGateway::Options options;
    options.delivery = delivery;
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
    // That nothing else becomes due when an hour passes.
    options.delivery.max_stream_age = options.delivery.heartbeat_interval =
        options.delivery.stalled_after = absl::Hours(100);
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
  ExpectEndOf(StatusCode::UNAUTHENTICATED, [this] { gateway_.clock().Advance(absl::Minutes(61)); });
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
  DeliveryOptions delivery;
  delivery.tick_interval = absl::Hours(1);  // so that the request comes first
  StartInClearText(delivery);
  gateway_.Append("before");
  Subscriber subscriber(leaving_stub_.get(), kLeavingToken);
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(1);
  ASSERT_TRUE(gateway_.access().Replace({Staying()}).ok());
  subscriber.Ack(held);
  EXPECT_EQ(subscriber.End().error_code(), StatusCode::UNAUTHENTICATED);
  gateway_.Append("later");
  Subscriber staying(staying_stub_.get(), kStayingToken);
  staying.Open("crm");
  EXPECT_EQ(CallsOf(staying.Deliveries(1)).front(), "before");
}

// A call that runs until the store is let go, and of two that come after it the one that may wait.
class WaitingCallTest : public RevocationTest {
 protected:
  // A call of CreateSubscription that is under way.
  struct Creation {
    grpc::ClientContext context;
    v1::CreateSubscriptionRequest request;
    v1::CreateSubscriptionResponse response;
    grpc::Status status;
  };
  void Create(const std::string& name, const std::string& token, Creation& creation) {
    LimitTime(creation.context);
    ShowToken(creation.context, token);
    creation.request.set_name(name);
    stub_->async()->CreateSubscription(&creation.context, &creation.request, &creation.response,
                                       [&creation, this](grpc::Status status) {
                                         creation.status = std::move(status);
                                         absl::MutexLock lock(&mutex_);
                                         ++answered_;
                                       });
  }
  void AwaitAnswers(int count) {
    absl::MutexLock lock(&mutex_);
    const auto are_there = [&]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return answered_ >= count; };
    mutex_.Await(absl::Condition(&are_there));
  }

  absl::Mutex mutex_;
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<v1::SubscriptionService::Stub> stub_;
};

TEST_F(WaitingCallTest, ACallThatHadToWaitIsDecidedUponOnceMore) {
  DeliveryOptions delivery = GuardedGateway::Options().delivery;
  delivery.max_streams = 1;  // so many calls may wait
  StartInClearText(delivery);
  stub_ = v1::SubscriptionService::NewStub(gateway_.Plain());
  gateway_.store().Hold();
  Creation first;
  Creation second;
  Creation third;
  Create("first", kStayingToken, first);
  gateway_.store().AwaitHeld();
  Create("second", kLeavingToken, second);
  Create("third", kLeavingToken, third);
  AwaitAnswers(1);  // of the one that finds no place, so the other one waits
  ASSERT_TRUE(gateway_.access().Replace({Staying()}).ok());
  gateway_.store().LetGo();
  AwaitAnswers(3);
  EXPECT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_THAT((std::vector<StatusCode>{second.status.error_code(), third.status.error_code()}),
              testing::UnorderedElementsAre(StatusCode::UNAVAILABLE, StatusCode::UNAUTHENTICATED));
  EXPECT_EQ(gateway_.store().ListSubscriptions().size(), 1u);
}

}  // namespace
}  // namespace onhook
