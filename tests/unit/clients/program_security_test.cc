#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "clients/cli/program.h"
#include "tests/unit/clients/secure_server.h"

namespace onhook::cli {
namespace {

using client::ClientFiles;
using client::FakeGateway;
using client::MutualTlsGateway;
using client::SecurityOptions;
using client::TlsServerCredentials;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Sets a variable for as long as it lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { ::unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* const name_;
};

class ProgramSecurityTest : public ::testing::Test {
 protected:
  // Looks one call up at `server`; returns the exit code, and leaves what was said.
  int Get(const std::string& server, const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"get", "7", "--server=" + server};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Run(arguments);
  }
  int Run(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunProgram(arguments);
    (void)testing::internal::GetCapturedStdout();
    said_.clear();
    // In this process the server's own log comes in between.
    for (const absl::string_view line :
         absl::StrSplit(testing::internal::GetCapturedStderr(), '\n')) {
      if (absl::StartsWith(line, "onhook: ")) said_.emplace_back(line);
    }
    return code;
  }
  static std::vector<std::string> Flags(const SecurityOptions& security) {
    return {"--ca=" + security.ca_file, "--cert=" + security.certificate_file,
            "--key=" + security.key_file};
  }

  const ClientFiles files_;
  const std::string ca_flag_ = "--ca=" + files_.ca_file;
  std::vector<std::string> said_;
};

// A gateway that knows the call, for those who reach it.
template <typename Gateway>
class WithTheCall : public Gateway {
 public:
  template <typename... Arguments>
  explicit WithTheCall(Arguments&&... arguments) : Gateway(std::forward<Arguments>(arguments)...) {
    this->events.add_stored_events()->mutable_event()->set_event_id("v1-0-7");
  }
};

TEST_F(ProgramSecurityTest, CertificateAndAuthorityComeFromFlags) {
  WithTheCall<MutualTlsGateway> gateway(files_);
  EXPECT_EQ(Get(gateway.address(), Flags(files_.Showing(files_.Billing()))), kExitOk);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(ProgramSecurityTest, OrFromTheEnvironmentWhichFlagsOverrule) {
  WithTheCall<MutualTlsGateway> gateway(files_);
  const SecurityOptions security = files_.Showing(files_.Billing());
  const ScopedVariable certificate("ONHOOK_CERT", security.certificate_file);
  const ScopedVariable key("ONHOOK_KEY", security.key_file);
  const ScopedVariable ca("ONHOOK_CA", files_.other_ca_file);
  EXPECT_EQ(Get(gateway.address(), {}), kExitFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr(files_.other_ca_file)));
  EXPECT_EQ(Get(gateway.address(), {ca_flag_}), kExitOk);
}

TEST_F(ProgramSecurityTest, TheTokenAndTheServersNameComeFromBothAsWell) {
  TestCertificateRequest request;
  request.dns_names = {"gateway.example.org"};
  WithTheCall<FakeGateway> gateway("127.0.0.1:0",
                                   TlsServerCredentials(files_.authority.Issue(request)));
  const std::string file = files_.directory.Write("token", "secret\n");
  EXPECT_EQ(Get(gateway.address(),
                {ca_flag_, "--token-file=" + file, "--server-name=gateway.example.org"}),
            kExitOk);
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer secret");
  const ScopedVariable token("ONHOOK_TOKEN_FILE", file);
  const ScopedVariable name("ONHOOK_SERVER_NAME", "gateway.example.org");
  EXPECT_EQ(Get(gateway.address(), {ca_flag_}), kExitOk);
  EXPECT_EQ(gateway.authorizations.Take(), "Bearer secret");
}

TEST_F(ProgramSecurityTest, TheSystemsAuthoritiesAreTrustedWhenAskedFor) {
  WithTheCall<FakeGateway> gateway("127.0.0.1:0",
                                   TlsServerCredentials(files_.authority.ServerCertificate()));
  const ScopedVariable system("SSL_CERT_FILE", files_.ca_file);
  EXPECT_EQ(Get(gateway.address(), {"--tls"}), kExitOk);
  const ScopedVariable tls("ONHOOK_TLS", "true");
  EXPECT_EQ(Get(gateway.address(), {}), kExitOk);
}

TEST_F(ProgramSecurityTest, AUnixSocketIsAServerToo) {
  const std::string socket = "unix:" + files_.directory.path() + "/socket";
  WithTheCall<FakeGateway> gateway(socket);
  EXPECT_EQ(Get(socket, {}), kExitOk);
}

TEST_F(ProgramSecurityTest, WhatKeepsAConnectionFromComingAboutIsOneLineThatNamesAFlag) {
  const FakeGateway in_clear;
  const FakeGateway over_tls("127.0.0.1:0",
                             TlsServerCredentials(files_.authority.ServerCertificate()));
  TestCertificateRequest elsewhere;
  elsewhere.dns_names = {"gateway.example.org"};
  const FakeGateway other_name("127.0.0.1:0",
                               TlsServerCredentials(files_.authority.Issue(elsewhere)));
  TestCertificateRequest past;
  past.addresses = {"127.0.0.1"};
  past.not_before = absl::FromUnixSeconds(1'600'000'000);
  past.not_after = absl::FromUnixSeconds(1'700'000'000);
  const FakeGateway expired("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(past)));
  const MutualTlsGateway mutual(files_);
  const auto strange =
      Flags(files_.Showing(files_.stranger.ClientCertificate("spiffe://example.org/billing")));
  const struct {
    const char* why;
    std::string server;
    std::vector<std::string> flags;
    std::vector<std::string> words;
  } kCases[] = {
      {"TLS without a word of it", over_tls.address(), {}, {"speaks TLS", "--ca", "--tls"}},
      {"clear text", in_clear.address(), {ca_flag_}, {"speaks no TLS", "leave out --ca"}},
      {"unknown authority",
       over_tls.address(),
       {"--ca=" + files_.other_ca_file},
       {"CN=Onhook Test CA", files_.other_ca_file, "; --ca"}},
      {"other name", other_name.address(), {ca_flag_}, {"gateway.example.org", "--server-name"}},
      {"expired", expired.address(), {ca_flag_}, {"expired at 2023-11-14", "grpc.tls"}},
      {"none shown", mutual.address(), {ca_flag_}, {"none was shown", "--cert and --key"}},
      {"unknown here", mutual.address(), strange, {"CN=Strange CA", "--cert and --key"}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(Get(c.server, c.flags), kExitFailed);
    ASSERT_EQ(said_.size(), 1u);
    EXPECT_THAT(said_[0], StartsWith("onhook: UNAVAILABLE: "));
    for (const std::string& words : c.words) EXPECT_THAT(said_[0], HasSubstr(words));
  }
}

TEST_F(ProgramSecurityTest, WhatIsWrongWithTheFlagsIsWrongUsage) {
  const SecurityOptions good = files_.Showing(files_.Billing());
  const std::string other_key = files_.directory.Write("other.key", files_.Billing().key_pem);
  const std::string token = files_.directory.Write("token", "secret");
  const std::string server = "127.0.0.1:1";
  const struct {
    std::string server;
    std::vector<std::string> flags;
    std::vector<std::string> words;
  } kCases[] = {
      {server, {"--cert=" + good.certificate_file}, {"--cert needs --key (or ONHOOK_KEY)"}},
      {server, {"--key=" + good.key_file}, {"--key needs --cert (or ONHOOK_CERT)"}},
      {server, {"--ca=/nowhere/ca.crt"}, {"/nowhere/ca.crt", "--ca names another"}},
      {server,
       {ca_flag_, "--cert=" + good.certificate_file, "--key=" + other_key},
       {other_key, "--cert and --key go together"}},
      {server, {"--token-file=/nowhere/token"}, {"/nowhere/token", "--token-file names another"}},
      {"192.0.2.1:1", {"--token-file=" + token}, {"clear text", "--allow-cleartext-token"}},
      {"unix:/nowhere/socket", {ca_flag_}, {"leave out --ca"}},
      {"gateway", {}, {"neither HOST:PORT nor unix:/path", "--server says another"}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.words[0]);
    EXPECT_EQ(Get(c.server, c.flags), kExitUsage);
    ASSERT_EQ(said_.size(), 1u);
    for (const std::string& words : c.words) EXPECT_THAT(said_[0], HasSubstr(words));
  }
  const ScopedVariable tls("ONHOOK_TLS", "perhaps");
  EXPECT_EQ(Get(server, {}), kExitUsage);
  EXPECT_THAT(said_, ElementsAre("onhook: ONHOOK_TLS must be true or false"));
}

TEST_F(ProgramSecurityTest, APermissionThatLacksIsToldWithTheSettingThatGivesIt) {
  FakeGateway gateway;
  gateway.lookup_status = client::StatusWithReason(
      grpc::StatusCode::PERMISSION_DENIED, "identity \"crm\" lacks the permission read_events",
      "PERMISSION_DENIED", {{"identity", "crm"}, {"permission", "read_events"}});
  EXPECT_EQ(Get(gateway.address(), {}), kExitNegative);
  EXPECT_THAT(said_, ElementsAre("onhook: PERMISSION_DENIED: identity \"crm\" lacks the permission "
                                 "read_events; the gateway's setting access gives it: {name: crm, "
                                 "read_events: true}"));
  gateway.lookup_status = client::StatusWithReason(
      grpc::StatusCode::PERMISSION_DENIED, "no", "PERMISSION_DENIED",
      {{"identity", "crm"}, {"permission", "subscribe"}, {"subscription", "billing"}});
  EXPECT_EQ(Get(gateway.address(), {}), kExitNegative);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("{name: crm, subscribe: [billing]}")));
}

TEST_F(ProgramSecurityTest, WhoIsNotKnownIsToldWhatWasShown) {
  FakeGateway gateway;
  gateway.lookup_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known");
  EXPECT_EQ(Get(gateway.address(), {}), kExitNegative);
  EXPECT_THAT(said_, ElementsAre("onhook: UNAUTHENTICATED: nobody known; --cert and --key, or "
                                 "--token-file, say who this is"));
  const std::string token = files_.directory.Write("token", "secret");
  EXPECT_EQ(Get(gateway.address(), {"--token-file=" + token}), kExitNegative);
  EXPECT_THAT(said_, ElementsAre(AllOf(HasSubstr("what was shown is the token " + token),
                                       HasSubstr("setting access"))));
}

TEST_F(ProgramSecurityTest, EveryCommandThatAsksTheGatewayHasTheFlags) {
  const std::vector<std::vector<std::string>> kCommands = {
      {"tail"},
      {"subscribe"},
      {"get"},
      {"subscriptions", "list"},
      {"subscriptions", "show"},
      {"subscriptions", "watch"},
      {"subscriptions", "create"},
      {"subscriptions", "update"},
      {"subscriptions", "delete"},
      {"subscriptions", "seek"},
      {"subscriptions", "pause"},
      {"subscriptions", "resume"},
      {"dead-letters", "list"},
      {"dead-letters", "show"},
      {"dead-letters", "redrive"},
      {"dead-letters", "discard"},
      {"rejected", "list"},
      {"rejected", "show"},
      {"rejected", "reparse"},
      {"rejected", "discard"},
  };
  for (std::vector<std::string> command : kCommands) {
    command.push_back("--help");
    testing::internal::CaptureStdout();
    EXPECT_EQ(RunProgram(command), kExitOk);
    const std::string help = testing::internal::GetCapturedStdout();
    for (const char* flag : {"--ca FILE", "--cert FILE", "--key FILE", "--token-file FILE",
                             "--server-name NAME", "--tls\n", "--allow-cleartext-token\n"}) {
      EXPECT_THAT(help, HasSubstr(flag)) << command[0];
    }
  }
}

}  // namespace
}  // namespace onhook::cli
