// How a connection proves itself, and whom it believes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/store/jetstream/nats_connection.h"
#include "tests/support/nats_server.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NatsSecurityTest : public testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    const std::string missing = NatsServer::Missing(GetParam());
    if (!missing.empty()) GTEST_SKIP() << missing;
    WriteFile("ca.crt", authority_.certificate_pem());
    WriteFile("password", "right\n");
    server_files_ = Write(directory_, "server", authority_.ServerCertificate());
    client_files_ = Write(directory_, "client", authority_.ClientCertificate("spiffe://a/b"));
  }
  void TearDown() override { connection_ = nullptr; }

  std::string Path(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  void WriteFile(const std::string& name, const std::string& content) {
    std::ofstream(Path(name), std::ios::trunc) << content;
  }
  void Start(const std::string& configuration) {
    NatsServer::Options options;
    options.version = GetParam();
    options.sync_always = false;
    options.more_configuration = configuration;
    server_ = std::make_unique<NatsServer>(options);
    ASSERT_TRUE(server_->Start()) << server_->log();
  }
  std::string Tls(bool mutual) {
    return absl::StrCat("tls { cert_file: \"", server_files_.certificate_file, "\", key_file: \"",
                        server_files_.key_file, "\", ca_file: \"", Path("ca.crt"),
                        "\", verify: ", mutual ? "true" : "false", " }");
  }
  NatsOptions Secure() {
    NatsOptions options;
    options.servers = {absl::StrReplaceAll(server_->url(), {{"nats://", "tls://"}})};
    options.ca_file = Path("ca.crt");
    return options;
  }
  // Whether it comes to a connection, or to none in `wait`.
  bool Connects(const NatsOptions& options, absl::Duration wait = kLongAtMost) {
    auto connection = NatsConnection::Open(options, wait, &log_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (!connection.ok()) return false;
    connection_ = *std::move(connection);
    return connection_->connected();
  }
  // Of the first attempt, which may take longer than was waited for it.
  std::string AwaitTrouble() const {
    const absl::Duration until = clock_.Elapsed() + kLongAtMost;
    while (connection_->trouble().empty() && clock_.Elapsed() < until) std::this_thread::yield();
    return connection_->trouble();
  }

  const SystemClock clock_;
  const Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, Log::StandardError()};
  const TestAuthority authority_;
  const TemporaryDirectory directory_;
  TestCertificateFiles server_files_;
  TestCertificateFiles client_files_;
  std::unique_ptr<NatsServer> server_;
  Recorded<std::string> answers_;
  Recorded<bool> states_;
  std::unique_ptr<NatsConnection> connection_;
};

// Long enough for some attempts.
constexpr absl::Duration kSomeAttempts = absl::Milliseconds(500);

TEST_P(NatsSecurityTest, MessagesGoBothWaysOverTls) {
  Start(Tls(/*mutual=*/false));
  ASSERT_TRUE(Connects(Secure()));
  const auto echo = *connection_->Subscribe("echo", [this](const NatsMessage& message) {
    connection_->Publish(message.reply, message.data).IgnoreError();
  });
  constexpr int kRequests = 3000;
  for (int i = 0; i < kRequests; ++i) {
    connection_->Request("echo", {}, std::string(1 + i, 'x'), kLongAtMost,
                         [this](const absl::StatusOr<NatsMessage>& answer) {
                           answers_.Add(answer.ok() ? absl::StrCat(answer->data.size())
                                                    : answer.status().ToString());
                         });
  }
  const std::vector<std::string> answers = answers_.Await(kRequests);
  ASSERT_EQ(answers.size(), kRequests);
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(answers[i], absl::StrCat(1 + i));
}

TEST_P(NatsSecurityTest, AServerThatNobodyVouchesForIsNotBelieved) {
  Start(Tls(/*mutual=*/false));
  NatsOptions options = Secure();
  WriteFile("other.crt", TestAuthority("Another").certificate_pem());
  options.ca_file = Path("other.crt");
  EXPECT_FALSE(Connects(options, kSomeAttempts));
  EXPECT_THAT(AwaitTrouble(),
              AllOf(HasSubstr("store.jetstream.tls.ca_file"), Not(HasSubstr(".c:"))));
  options.ca_file = "";  // the system's
  EXPECT_FALSE(Connects(options, kSomeAttempts));
}

TEST_P(NatsSecurityTest, AServerOfAnotherNameIsNotBelieved) {
  TestCertificateRequest request;
  request.dns_names = {"elsewhere.example.org"};
  server_files_ = Write(directory_, "elsewhere", authority_.Issue(request));
  Start(Tls(/*mutual=*/false));
  EXPECT_FALSE(Connects(Secure(), kSomeAttempts));
}

TEST_P(NatsSecurityTest, AClientMayHaveToShowACertificate) {
  Start(Tls(/*mutual=*/true));
  NatsOptions options = Secure();
  EXPECT_FALSE(Connects(options, kSomeAttempts));
  options.certificate_file = client_files_.certificate_file;
  options.key_file = client_files_.key_file;
  EXPECT_TRUE(Connects(options));
}

TEST_P(NatsSecurityTest, APasswordIsReadAnewAtEveryConnection) {
  Start("authorization { user: who, password: right }");
  NatsOptions options;
  options.servers = {server_->url()};
  EXPECT_FALSE(Connects(options, kSomeAttempts));
  options.user = "who";
  options.password_file = Path("password");
  WriteFile("password", "wrong\n");
  EXPECT_FALSE(Connects(options, kSomeAttempts));
  EXPECT_THAT(AwaitTrouble(),
              AllOf(HasSubstr("store.jetstream.password_file"), Not(HasSubstr(".c:"))));
  connection_->AddListener([this](bool connected) { states_.Add(connected); });
  WriteFile("password", "right\n");
  EXPECT_THAT(states_.Await(1), ElementsAre(true));
  EXPECT_EQ(connection_->trouble(), "");
}

TEST_P(NatsSecurityTest, AFileThatIsNotThereIsRefusedAtOnce) {
  Start("");
  NatsOptions options;
  options.servers = {server_->url()};
  options.user = "who";
  options.password_file = Path("none");
  EXPECT_EQ(NatsConnection::Open(options, kLongAtMost, &log_).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = NatsOptions();
  options.credentials_file = Path("none.creds");
  EXPECT_EQ(NatsConnection::Open(options, kLongAtMost, &log_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Versions, NatsSecurityTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

}  // namespace
}  // namespace onhook
