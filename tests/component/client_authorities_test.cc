// Clients whose certificates were signed by an authority that another has signed, on the ports that
// ask for certificates.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

constexpr char kCrm[] = "spiffe://example.org/crm";

class ClientAuthoritiesTest : public GatewayTest {
 protected:
  // Both ports take who is signed by `authorities`, and know crm.
  void StartTrusting(const std::string& authorities) {
    const TestCertificateFiles files = Write(directory_, "server", root_.ServerCertificate());
    TlsOptions tls;
    tls.certificate_file = files.certificate_file;
    tls.key_file = files.key_file;
    tls.client_ca_file = directory_.Write("clients.crt", authorities);
    settings_.grpc.tls = tls;
    settings_.admin.tls = tls;
    Settings::Identity crm;
    crm.name = "crm";
    crm.certificate = kCrm;
    crm.administer = {"*"};
    crm.monitor = true;
    settings_.access = {crm};
    StartGateway();
  }

  grpc::StatusCode CallWith(const TestCertificate& certificate) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = root_.certificate_pem();
    options.pem_cert_chain = certificate.certificate_pem;
    options.pem_private_key = certificate.key_pem;
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListSubscriptionsResponse response;
    return v1::SubscriptionService::NewStub(
               grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                         grpc::SslCredentials(options), OwnConnection()))
        ->ListSubscriptions(&context, {}, &response)
        .error_code();
  }
  // 0: no further than the handshake.
  int MetricsWith(const TestCertificate& certificate) const {
    RawTlsClient::Options options;
    options.ca_pem = root_.certificate_pem();
    options.certificate = certificate;
    return RawTlsClient(gateway_->admin_port(), options)
        .Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .ReadAnswer()
        .status;
  }

  const TestAuthority root_{"Root"};
  const TestAuthority between_ = root_.Subordinate("Between");
  const TestCertificate alone_ = between_.ClientCertificate(kCrm);
  const TestCertificate with_between_ = {
      absl::StrCat(alone_.certificate_pem, between_.certificate_pem()), alone_.key_pem};
};

TEST_F(ClientAuthoritiesTest, WhoSendsAlongWhoSignedItIsKnownByTheRoot) {
  StartTrusting(root_.certificate_pem());
  EXPECT_EQ(CallWith(with_between_), grpc::StatusCode::OK);
  EXPECT_EQ(MetricsWith(with_between_), 200);
}

TEST_F(ClientAuthoritiesTest, WhoSendsAlongNobodyIsNotKnownByTheRootAlone) {
  StartTrusting(root_.certificate_pem());
  EXPECT_EQ(CallWith(alone_), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(MetricsWith(alone_), 0);
}

TEST_F(ClientAuthoritiesTest, WhereBothAreKnownNothingNeedsToBeSentAlong) {
  StartTrusting(absl::StrCat(between_.certificate_pem(), root_.certificate_pem()));
  EXPECT_EQ(CallWith(alone_), grpc::StatusCode::OK);
  EXPECT_EQ(MetricsWith(alone_), 200);
}

// An authority that is named means that one, and not the one that has signed it.
TEST_F(ClientAuthoritiesTest, AnAuthorityIsEnoughWithoutItsRootAndLetsNobodyElseOfThatIn) {
  StartTrusting(between_.certificate_pem());
  for (const TestCertificate& certificate : {alone_, with_between_}) {
    EXPECT_EQ(CallWith(certificate), grpc::StatusCode::OK);
    EXPECT_EQ(MetricsWith(certificate), 200);
  }
  const TestAuthority beside = root_.Subordinate("Beside");
  for (const TestAuthority& authority : {root_, beside}) {
    TestCertificate certificate = authority.ClientCertificate(kCrm);
    certificate.certificate_pem += absl::StrCat(
        authority.certificate_pem(), between_.certificate_pem(), root_.certificate_pem());
    EXPECT_EQ(CallWith(certificate), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(MetricsWith(certificate), 0);
  }
}

}  // namespace
}  // namespace onhook
