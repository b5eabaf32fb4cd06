// The real programs, between which TLS is spoken and somebody has to be known: what a subscriber,
// an operator and a stranger get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "onhook/client.h"
#include "tests/support/child_process.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/clients/inbox.h"

namespace onhook {
namespace {

using client::kPatience;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kCrm[] = "spiffe://example.org/crm";
constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kNotReached = 3;

// How a run of `onhook` ended, and what it wrote.
struct Ended {
  int exit_code;
  std::vector<std::string> lines;
};

class KnownClientsTest : public ::testing::Test {
 protected:
  KnownClientsTest() { server_ = Write(directory_, "server", authority_.ServerCertificate()); }

  // Knows crm by its certificate, the operator by a token and the sidecar by the socket.
  void StartGateway(const std::string& client_certificate) {
    const std::string settings = absl::StrCat(
        "acknowledge: {when: stored}\n"
        "grpc:\n"
        "  unix_socket: ",
        socket_, "\n  tls:\n    certificate_file: ", server_.certificate_file,
        "\n    key_file: ", server_.key_file, "\n    client_ca_file: ", ca_file_,
        "\n    client_certificate: ", client_certificate,
        "\n"
        "access:\n"
        "  - {name: crm, certificate: '",
        kCrm, "', subscribe: [crm], create: [crm]}\n  - {name: operator, token_files: [", token_,
        "], subscribe: ['*'], administer: ['*'], watch: true, read_events: true, "
        "rejected_callbacks: true, see_numbers: true}\n"
        "  - {name: sidecar, unix_socket: true, administer: ['*']}\n");
    OnhookdProcess::Options options;
    options.store_directory = absl::StrCat(directory_.path(), "/data");
    options.more_arguments = {"--config=" + directory_.Write("onhook.yaml", settings)};
    gateway_ = std::make_unique<OnhookdProcess>(options);
    ASSERT_TRUE(gateway_->WaitUntilListening(kPatience)) << gateway_->log();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", gateway_->grpc_port()); }

  // Who asks.
  using Flags = std::vector<std::string>;
  Flags Nobody() const { return {"--server=" + address(), "--ca=" + ca_file_}; }
  Flags Showing(const TestCertificate& certificate) const {
    const TestCertificateFiles files = Write(directory_, "client", certificate);
    Flags flags = Nobody();
    flags.push_back("--cert=" + files.certificate_file);
    flags.push_back("--key=" + files.key_file);
    return flags;
  }
  Flags Crm() const { return Showing(authority_.ClientCertificate(kCrm)); }
  Flags WithToken(const std::string& file) const {
    Flags flags = Nobody();
    flags.push_back("--token-file=" + file);
    return flags;
  }
  Flags Operator() const { return WithToken(token_); }

  static std::vector<std::string> Command(std::vector<std::string> arguments, const Flags& flags) {
    arguments.insert(arguments.begin(), ONHOOK_CLIENT_PATH);
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return arguments;
  }
  static Ended Run(const std::vector<std::string>& arguments, const Flags& flags) {
    ChildProcess process(Command(arguments, flags));
    const std::optional<ProcessEnd> end = process.Wait(kPatience);
    std::vector<std::string> lines = absl::StrSplit(process.output(), '\n', absl::SkipEmpty());
    return {end.has_value() ? end->exit_code : -1, std::move(lines)};
  }
  // One line alone, with the exit code.
  static void ExpectRefused(const Ended& ended, int exit_code,
                            const ::testing::Matcher<std::string>& line) {
    EXPECT_EQ(ended.exit_code, exit_code);
    EXPECT_THAT(ended.lines, ElementsAre(AllOf(StartsWith("onhook: "), line)));
  }
  // The vendor's callback of this call.
  void Post(const std::string& call) const {
    const Ended sent =
        Run({"send", "--field=callSerialNo=" + call,
             absl::StrCat("--url=http://127.0.0.1:", gateway_->http_port(), "/release-events")},
            {});
    EXPECT_EQ(sent.exit_code, kDone);
  }

  const TemporaryDirectory directory_;
  const TestAuthority authority_{"Onhook Test CA"};
  const std::string ca_file_ = directory_.Write("ca.crt", authority_.certificate_pem());
  const std::string token_ = directory_.Write("operator-token", "0123456789abcdef0123\n");
  const std::string socket_ = directory_.path() + "/grpc.sock";
  TestCertificateFiles server_;
  std::unique_ptr<OnhookdProcess> gateway_;
};

TEST_F(KnownClientsTest, EachDoesWhatItIsGiven) {
  StartGateway("optional");
  ChildProcess subscriber(Command({"subscribe", "crm", "--count=1"}, Crm()));
  ASSERT_TRUE(subscriber.WaitForOutput(
      [](absl::string_view output) { return absl::StrContains(output, "crm: created"); },
      kPatience))
      << subscriber.output();
  Post("1234567890123456789");
  EXPECT_EQ(subscriber.Wait(kPatience), (ProcessEnd{kDone, 0})) << subscriber.output();
  EXPECT_THAT(subscriber.output(), HasSubstr("1 acknowledgement(s) confirmed"));

  const Ended got = Run({"get", "1234567890123456789"}, Operator());
  EXPECT_EQ(got.exit_code, kDone);
  EXPECT_THAT(got.lines, Contains(HasSubstr("crm: acked")));
  const Ended tail = Run({"tail", "--no-follow"}, Operator());
  EXPECT_EQ(tail.exit_code, kDone);
  EXPECT_THAT(tail.lines, Contains(HasSubstr("1234567890123456789")));
  const Ended listed = Run({"subscriptions", "list"}, Operator());
  EXPECT_EQ(listed.exit_code, kDone);
  EXPECT_THAT(listed.lines, Contains(HasSubstr("crm")));
  EXPECT_EQ(Run({"rejected", "list"}, Operator()).exit_code, kDone);
  const Ended through_socket = Run({"subscriptions", "list"}, {"--server=unix:" + socket_});
  EXPECT_EQ(through_socket.exit_code, kDone);
  EXPECT_THAT(through_socket.lines, Contains(HasSubstr("crm")));
}

TEST_F(KnownClientsTest, WhatIsNotGivenIsToldWithThePermissionAndWhereItIsGiven) {
  StartGateway("optional");
  const struct {
    std::vector<std::string> arguments;
    std::string given_by;
  } kCases[] = {
      {{"tail", "--no-follow"}, "{name: crm, watch: true}"},
      {{"get", "1"}, "{name: crm, read_events: true}"},
      {{"rejected", "list"}, "{name: crm, rejected_callbacks: true}"},
      {{"subscribe", "billing"}, "{name: crm, subscribe: [billing]}"},
      {{"subscriptions", "pause", "crm"}, "{name: crm, administer: [crm]}"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.given_by);
    ExpectRefused(Run(c.arguments, Crm()), kRefused,
                  AllOf(HasSubstr("PERMISSION_DENIED"), HasSubstr(c.given_by)));
  }
}

TEST_F(KnownClientsTest, WhoIsNotKnownIsToldWhatWasShown) {
  StartGateway("optional");
  const std::string wrong = directory_.Write("wrong-token", "a-token-nobody-was-given");
  ExpectRefused(Run({"get", "1"}, Nobody()), kRefused,
                AllOf(HasSubstr("UNAUTHENTICATED"), HasSubstr("was shown; --cert and --key")));
  ExpectRefused(Run({"get", "1"}, WithToken(wrong)), kRefused,
                AllOf(HasSubstr("UNAUTHENTICATED"), HasSubstr(wrong)));
  ExpectRefused(
      Run({"get", "1"}, Showing(authority_.ClientCertificate("spiffe://example.org/stranger"))),
      kRefused, AllOf(HasSubstr("UNAUTHENTICATED"), HasSubstr("spiffe://example.org/stranger")));
}

TEST_F(KnownClientsTest, WhoGetsNoFurtherThanTheHandshakeIsToldWhy) {
  StartGateway("required");
  ExpectRefused(Run({"get", "1"}, Nobody()), kNotReached,
                AllOf(HasSubstr("asks for a client certificate"), HasSubstr("--cert and --key")));
  ExpectRefused(Run({"get", "1"}, Showing(TestAuthority("Strange CA").ClientCertificate(kCrm))),
                kNotReached, AllOf(HasSubstr("CN=Strange CA"), HasSubstr("--cert and --key")));
  ExpectRefused(Run({"get", "1"}, {"--server=" + address()}), kNotReached,
                AllOf(HasSubstr("speaks TLS"), HasSubstr("--ca")));
  ExpectRefused(Run({"get", "1"}, {absl::StrCat("--server=127.0.0.1:", gateway_->http_port())}),
                kNotReached, AllOf(HasSubstr("is an HTTP port"), HasSubstr("--server")));
}

TEST_F(KnownClientsTest, ASubscriberWhoseCertificateIsReplacedMissesNothing) {
  StartGateway("required");
  TestCertificateRequest request;
  request.uris = {kCrm};
  request.usage = "clientAuth";
  // As long as it takes on the slowest machine to be let in once.
  request.not_after = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 7);
  const TestCertificateFiles files = Write(directory_, "client", authority_.Issue(request));
  client::ClientOptions options;
  options.server = address();
  options.security.ca_file = ca_file_;
  options.security.certificate_file = files.certificate_file;
  options.security.key_file = files.key_file;
  client::Inbox<bool> openings;
  client::Inbox<std::string> handled;
  client::SubscribeOptions subscribe;
  subscribe.subscription = "crm";
  subscribe.create_if_missing.emplace();
  subscribe.on_opened = [&](const v1::SubscribeOpened&) { openings.Put(true); };
  const auto subscriber =
      client::Client(options).Subscribe(subscribe, [&](const v1::Delivery& delivery) {
        handled.Put(delivery.event().call_serial_no());
        return client::Settlement::Ack();
      });
  ASSERT_TRUE(openings.Take());
  Post("1");
  EXPECT_EQ(handled.Take(), "1");
  // Replaced in time. The stream lives on until what it was opened with has expired.
  Write(directory_, "client", authority_.ClientCertificate(kCrm));
  ASSERT_TRUE(openings.Take());
  EXPECT_GE(absl::Now(), request.not_after);  // that is why it opened again
  Post("2");
  EXPECT_EQ(handled.Take(), "2");
  EXPECT_EQ(subscriber->Stop(), absl::OkStatus());
}

}  // namespace
}  // namespace onhook
