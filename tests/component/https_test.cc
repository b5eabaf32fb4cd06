// The ports for callbacks and probes with TLS, through the whole gateway.
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/outside_faults.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class HttpsTest : public GatewayTest {
 protected:
  HttpsTest() {
    settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
    settings_.http.tls = Put("http");
    settings_.admin.tls = Put("admin");
  }

  TlsOptions Put(const std::string& name) {
    const TestCertificateFiles files = Write(directory_, name, authority_.ServerCertificate());
    TlsOptions options;
    options.certificate_file = files.certificate_file;
    options.key_file = files.key_file;
    return options;
  }
  RawTlsClient::Options Trusting() const {
    RawTlsClient::Options options;
    options.ca_pem = authority_.certificate_pem();
    return options;
  }
  std::string Metrics() const {
    RawTlsClient client(gateway_->admin_port(), Trusting());
    return client.Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n").ReadAnswer().body;
  }
  std::string RefusalOfStart() {
    Gateway gateway(settings_, &clock_, &log_);
    return std::string(gateway.Start().message());
  }

  const TestAuthority authority_;
};

TEST_F(HttpsTest, ACallbackComesInOverTls) {
  StartGateway();
  RawTlsClient client(gateway_->http_port(), Trusting());
  EXPECT_EQ(client.Send(PostOf(CallbackOf("1"))).ReadAnswer().body, kSuccess);
  EXPECT_THAT(StoredCalls(), ElementsAre("1"));
}

TEST_F(HttpsTest, ACallbackInClearIsToldWhatIsSpoken) {
  StartGateway();
  EXPECT_EQ(PostCall("1").body, R"({"retCode":"1","retMsg":"this port speaks HTTPS, not HTTP"})");
  EXPECT_THAT(StoredCalls(), IsEmpty());
  EXPECT_THAT(Metrics(),
              HasSubstr(R"(onhook_http_refusals_total{listener="http",reason="plain_http"} 1)"));
}

TEST_F(HttpsTest, MetricsSayWhenCertificatesExpire) {
  StartGateway();
  for (const char* listener : {"http", "admin"}) {
    EXPECT_THAT(Metrics(), HasSubstr(absl::StrCat("onhook_tls_last_reload_successful{listener=\"",
                                                  listener, "\"} 1\n")));
    EXPECT_THAT(Metrics(), HasSubstr(absl::StrCat(
                               "onhook_tls_certificate_expiry_timestamp_seconds{listener=\"",
                               listener, "\"} ")));
  }
}

TEST_F(HttpsTest, AProbeInClearIsRefused) {
  StartGateway();
  EXPECT_EQ(AskAdmin("/livez").status, 400);
}

TEST_F(HttpsTest, FilesThatAreNoGoodAreFaultsOfTheirSettings) {
  EXPECT_THAT(FindOutsideFaults(settings_).faults, IsEmpty());
  settings_.grpc.tls = Put("grpc");
  settings_.http.tls.key_file = settings_.admin.tls.key_file;
  settings_.grpc.tls.client_ca_file = directory_.Write("clients.crt", "garbage");
  settings_.admin.tls.certificate_file += "-absent";
  const auto fault = [](const char* setting, const std::string& description) {
    return AllOf(Field(&SettingFault::setting, setting),
                 Field(&SettingFault::description, HasSubstr(description)));
  };
  EXPECT_THAT(
      FindOutsideFaults(settings_).faults,
      ElementsAre(fault("http.tls.key_file", "holds another key than that of the certificate in"),
                  fault("grpc.tls.client_ca_file", "clients.crt holds no certificate in PEM"),
                  fault("admin.tls.certificate_file", "-absent cannot be read: No such file")));
}

TEST_F(HttpsTest, AGatewayWithoutItsCertificateDoesNotStart) {
  settings_.http.tls.key_file = directory_.Write("http.key", "garbage");
  EXPECT_THAT(RefusalOfStart(), StartsWith("http.tls.key_file: "));
  settings_.admin.tls.certificate_file += "-absent";
  EXPECT_THAT(RefusalOfStart(), StartsWith("admin.tls.certificate_file: "));
}

}  // namespace
}  // namespace onhook
