#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "onhook/client.h"
#include "onhook/status.h"
#include "tests/unit/clients/secure_server.h"

namespace onhook::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ClientSecurityTest : public ::testing::Test {
 protected:
  static absl::Status Call(const Client& client) { return client.GetEvent("v1-00-7").status(); }
  // Of a gateway that needs no more.
  static Client ClientOf(const FakeGateway& gateway, const SecurityOptions& security) {
    ClientOptions options = gateway.client_options();
    options.security = security;
    return Client(options);
  }
  SecurityOptions ShowingToken(const std::string& token) const {
    SecurityOptions security;
    security.token_file = files_.directory.Write("token", token);
    return security;
  }
  // A subscriber that leaves everything alone.
  std::unique_ptr<Subscriber> Subscribe(const Client& client) {
    SubscribeOptions options;
    options.subscription = "crm";
    options.drain_timeout = absl::ZeroDuration();
    options.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
    return client.Subscribe(options, [](const v1::Delivery&) { return Settlement::Leave(); });
  }

  const ClientFiles files_;
  Inbox<absl::Status> losses_;
};

TEST_F(ClientSecurityTest, ACallGoesOverTlsToAServerThatIsTrusted) {
  FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(files_.authority.ServerCertificate()));
  const Client client = ClientOf(gateway, files_.Trusting());
  EXPECT_EQ(client.WaitUntilConnected(kPatience), absl::OkStatus());
  EXPECT_EQ(Call(client), absl::OkStatus());
}

TEST_F(ClientSecurityTest, ACallGoesOverAUnixSocket) {
  const std::string socket = absl::StrCat("unix:", files_.directory.path(), "/socket");
  FakeGateway gateway(socket);
  ClientOptions options = gateway.client_options();
  options.server = socket;
  options.security = ShowingToken("secret");
  EXPECT_EQ(Call(Client(options)), absl::OkStatus());
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer secret");
  options.security = files_.Trusting();
  EXPECT_EQ(ErrorReason(Call(Client(options))), "TLS_OVER_UNIX_SOCKET");
}

TEST_F(ClientSecurityTest, ACertificateOpensAGatewayThatAsksForOne) {
  MutualTlsGateway gateway(files_);
  EXPECT_EQ(Call(Client(gateway.client_options(files_.Showing(files_.Billing())))),
            absl::OkStatus());
}

TEST_F(ClientSecurityTest, ServerNameIsTheNameThatTheCertificateMustBeFor) {
  TestCertificateRequest request;
  request.dns_names = {"gateway.example.org"};
  FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(request)));
  SecurityOptions security = files_.Trusting();
  security.server_name = "gateway.example.org";
  EXPECT_EQ(Call(ClientOf(gateway, security)), absl::OkStatus());
}

TEST_F(ClientSecurityTest, WhatWaitingDoesNotMendIsToldAtOnceAndInWords) {
  MutualTlsGateway gateway(files_);
  const Client client(gateway.client_options(files_.Trusting()));
  const absl::Status status = client.WaitUntilConnected(absl::InfiniteDuration());
  EXPECT_EQ(ErrorReason(status), "CLIENT_CERTIFICATE_REQUIRED") << status;
  EXPECT_EQ(ErrorReason(Call(client)), "CLIENT_CERTIFICATE_REQUIRED");
}

TEST_F(ClientSecurityTest, EveryCallAndStreamCarriesTheTokenThatTheFileHoldsNow) {
  FakeGateway gateway;
  const Client client = ClientOf(gateway, ShowingToken("first"));
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer first");
  ShowingToken("second");
  const auto subscriber = Subscribe(client);
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer second");
  ShowingToken("third");
  const auto watcher =
      client.Watch(WatchOptions(), [](const v1::WatchedEvent&) { return absl::OkStatus(); });
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer third");
  ShowingToken("");  // no token is read from it, so the last one is still shown
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer third");
}

TEST_F(ClientSecurityTest, NoTokenGoesInTheClearBeyondThisMachine) {
  ClientOptions options;
  options.server = "192.0.2.1:50051";
  options.security = ShowingToken("secret");
  const absl::Status status = Call(Client(options));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "CLEARTEXT_TOKEN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:50051 in clear text"));
  // Said so in words, it is tried; there is nobody at that address.
  options.security.allow_cleartext_token = true;
  options.lookup_timeout = absl::Milliseconds(1);
  EXPECT_NE(Call(Client(options)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ClientSecurityTest, ASubscriberWhoseOptionsCannotBeUsedEndsWithTheReason) {
  FakeGateway gateway;
  SecurityOptions security;
  security.ca_file = "/nowhere/ca.crt";
  const absl::Status status = Subscribe(ClientOf(gateway, security))->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "CA_FILE");
}

TEST_F(ClientSecurityTest, AnUnknownClientIsToldWhatItShowed) {
  FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(files_.authority.ServerCertificate()));
  gateway.lookup_status =
      StatusWithReason(grpc::StatusCode::UNAUTHENTICATED, "nobody known", "UNAUTHENTICATED");
  const absl::Status status = Call(ClientOf(gateway, files_.Trusting()));
  EXPECT_EQ(status.message(), "nobody known");
  EXPECT_EQ(ErrorReason(status), "UNAUTHENTICATED");
  EXPECT_EQ(ErrorMetadata(status, "shown"), "nothing");
  SecurityOptions security = files_.Showing(files_.Billing());
  security.token_file = files_.directory.Write("token", "secret");
  EXPECT_THAT(
      ErrorMetadata(Call(ClientOf(gateway, security)), "shown"),
      AllOf(HasSubstr(security.certificate_file), HasSubstr("URI:spiffe://example.org/billing"),
            HasSubstr(" and the token " + security.token_file)));
}

// A client whose certificate changes while it runs.
class RotationTest : public ClientSecurityTest {
 protected:
  RotationTest() { Use(files_.Billing()); }
  void Use(const TestCertificate& certificate) { security_ = files_.Showing(certificate); }
  // Waits for the gateway to see the next stream.
  static FakeSubscribeStream& Opened(FakeGateway& gateway) {
    FakeSubscribeStream* const stream = gateway.TakeSubscribe();
    stream->Take();
    stream->SendOpened();
    return *stream;
  }

  SecurityOptions security_;
};

TEST_F(RotationTest, ANewCertificateIsShownByANewConnectionWhileTheOldStreamLivesOn) {
  MutualTlsGateway gateway(files_);
  const Client client(gateway.client_options(security_));
  const auto subscriber = Subscribe(client);
  FakeSubscribeStream& stream = Opened(gateway);
  const std::string first = gateway.peers.Take();
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_EQ(gateway.peers.Take(), first);
  Use(files_.Billing());
  EXPECT_EQ(Call(client), absl::OkStatus());
  const std::string second = gateway.peers.Take();
  EXPECT_NE(second, first);
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_EQ(gateway.peers.Take(), second);
  // The stream is where it was.
  stream.Deliver({1});
  stream.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
  EXPECT_EQ(losses_.Take().message(), "lost");
}

TEST_F(RotationTest, APairThatDoesNotMatchIsLeftAloneUntilItDoes) {
  MutualTlsGateway gateway(files_);
  const Client client(gateway.client_options(security_));
  EXPECT_EQ(Call(client), absl::OkStatus());
  const std::string first = gateway.peers.Take();
  const TestCertificate next = files_.Billing();
  files_.directory.Write("client.crt", next.certificate_pem);
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_EQ(gateway.peers.Take(), first);
  files_.directory.Write("client.key", next.key_pem);
  EXPECT_EQ(Call(client), absl::OkStatus());
  EXPECT_NE(gateway.peers.Take(), first);
}

TEST_F(RotationTest, ASubscriberThatIsKeptOutComesInWithTheCertificateThatComesLater) {
  Use(files_.stranger.ClientCertificate("spiffe://example.org/billing"));
  MutualTlsGateway gateway(files_);
  ClientOptions options = gateway.client_options(security_);
  options.reconnect.recheck = absl::Milliseconds(20);
  const auto subscriber = Subscribe(Client(options));
  EXPECT_EQ(ErrorReason(losses_.Take()), "CLIENT_CERTIFICATE_REFUSED");
  Use(files_.Billing());
  Opened(gateway);
}

TEST_F(RotationTest, AWatcherThatIsKeptOutComesInWithTheCertificateThatComesLater) {
  Use(files_.stranger.ClientCertificate("spiffe://example.org/billing"));
  MutualTlsGateway gateway(files_);
  ClientOptions options = gateway.client_options(security_);
  options.reconnect.recheck = absl::Milliseconds(20);
  WatchOptions watch;
  watch.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
  const auto watcher =
      Client(options).Watch(watch, [](const v1::WatchedEvent&) { return absl::OkStatus(); });
  EXPECT_EQ(ErrorReason(losses_.Take()), "CLIENT_CERTIFICATE_REFUSED");
  Use(files_.Billing());
  EXPECT_NE(gateway.TakeWatch(), nullptr);
}

TEST_F(RotationTest, AnotherReasonForWaitingIsNews) {
  auto gateway = std::make_unique<MutualTlsGateway>(files_);
  const std::string address = gateway->address();
  ClientOptions options = gateway->client_options(security_);
  options.reconnect.recheck = absl::Milliseconds(20);
  gateway = nullptr;
  const auto subscriber = Subscribe(Client(options));
  EXPECT_EQ(ErrorReason(losses_.Take()), "NOBODY_LISTENS");
  FakeGateway in_clear(address);
  EXPECT_EQ(ErrorReason(losses_.Take()), "SERVER_SPEAKS_NO_TLS");
  EXPECT_TRUE(losses_.empty());
}

TEST_F(RotationTest, WhoWasLetInBeforeIsTriedAgainWithTheTokenThatComesLater) {
  FakeGateway gateway;
  const auto subscriber = Subscribe(ClientOf(gateway, ShowingToken("first")));
  Opened(gateway).End(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known"));
  EXPECT_EQ(losses_.Take().code(), absl::StatusCode::kUnauthenticated);
  gateway.TakeSubscribe()->End(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known"));
  EXPECT_EQ(losses_.Take().code(), absl::StatusCode::kUnauthenticated);
  ShowingToken("second");
  Opened(gateway);
  std::string shown = gateway.authorizations.Take();
  while (shown == "Bearer first") shown = gateway.authorizations.Take();
  EXPECT_EQ(shown, "Bearer second");
}

TEST_F(RotationTest, AGoAwayForWantOfAProofIsNoEndWhileTheFileMayChange) {
  FakeGateway gateway;
  const auto subscriber = Subscribe(ClientOf(gateway, ShowingToken("first")));
  FakeSubscribeStream& stream = Opened(gateway);
  stream.SendGoAway(v1::GoAway::REASON_PERMISSION_REVOKED);
  gateway.TakeSubscribe()->End(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known"));
  EXPECT_EQ(losses_.Take().code(), absl::StatusCode::kUnauthenticated);
  ShowingToken("second");
  Opened(gateway);
}

TEST_F(RotationTest, WhoNeverWasLetInIsNotTriedAgain) {
  FakeGateway gateway;
  const auto subscriber = Subscribe(ClientOf(gateway, ShowingToken("wrong")));
  gateway.TakeSubscribe()->End(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known"));
  const absl::Status status = subscriber->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(ErrorMetadata(status, "shown"), HasSubstr("the token "));
  EXPECT_TRUE(losses_.empty());
}

TEST_F(RotationTest, APermissionThatWasTakenBackIsAskedForOnceMoreAndThenEndsIt) {
  FakeGateway gateway;
  const auto subscriber = Subscribe(ClientOf(gateway, ShowingToken("secret")));
  Opened(gateway).SendGoAway(v1::GoAway::REASON_PERMISSION_REVOKED);
  gateway.TakeSubscribe()->End(StatusWithReason(grpc::StatusCode::PERMISSION_DENIED, "no",
                                                "PERMISSION_DENIED",
                                                {{"permission", "subscribe"}}));
  const absl::Status status = subscriber->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrorMetadata(status, "permission"), "subscribe");
}

}  // namespace
}  // namespace onhook::client
