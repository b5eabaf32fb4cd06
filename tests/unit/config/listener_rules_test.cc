#include "gateway/config/listener_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/base/ip_network.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ClientCertificate = TlsOptions::ClientCertificate;

std::vector<std::string> FaultsOf(const Settings& settings) {
  std::vector<std::string> faults;
  for (const SettingFault& fault : FindListenerFaults(settings)) {
    faults.push_back(fault.setting + ": " + fault.description);
  }
  return faults;
}

Settings::Identity WithToken(const std::string& name) {
  Settings::Identity identity;
  identity.name = name;
  identity.token_files = {"token-of-" + name};
  identity.subscribe = {"*"};
  return identity;
}
Settings::Identity WithCertificate(const std::string& name) {
  Settings::Identity identity;
  identity.name = name;
  identity.certificate = "spiffe://example.org/" + name;
  identity.subscribe = {"*"};
  return identity;
}
Settings::Identity OfUnixSocket(const std::string& name) {
  Settings::Identity identity;
  identity.name = name;
  identity.unix_socket = true;
  identity.subscribe = {"*"};
  return identity;
}
// Reads metrics, and nothing else.
Settings::Identity Monitor(Settings::Identity identity) {
  identity.subscribe.clear();
  identity.monitor = true;
  return identity;
}

TlsOptions Tls() {
  TlsOptions tls;
  tls.certificate_file = "tls.crt";
  tls.key_file = "tls.key";
  return tls;
}
TlsOptions MutualTls() {
  TlsOptions tls = Tls();
  tls.client_ca_file = "ca.crt";
  return tls;
}
TlsOptions OptionalMutualTls() {
  TlsOptions tls = MutualTls();
  tls.client_certificate = ClientCertificate::kOptional;
  return tls;
}

TEST(ListenerRulesTest, TheDefaultsCanBeRunWith) { EXPECT_THAT(FaultsOf({}), IsEmpty()); }

TEST(ListenerRulesTest, CallbacksFromOtherMachinesNeedASettingThatSaysSo) {
  for (const char* listen : {"0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "example.org:8080"}) {
    Settings settings;
    settings.http.server.listen = listen;
    EXPECT_THAT(FaultsOf(settings),
                ElementsAre(AllOf(StartsWith("http.listen: "), HasSubstr(listen),
                                  HasSubstr("set http.allow_unauthenticated to true"))));
    settings.http.allow_unauthenticated = true;
    EXPECT_THAT(FaultsOf(settings), IsEmpty());
  }
}

Settings::Source SourceNamed(const std::string& name) {
  Settings::Source source;
  source.name = name;
  source.path = "/" + name;
  return source;
}

TEST(ListenerRulesTest, EachSourceBeyondThisMachineMustProveItself) {
  using Enforce = Settings::Source::SharedKey::Enforce;
  Settings::Source token = SourceNamed("token");
  token.path_token_file = "f";
  Settings::Source key = SourceNamed("key");
  key.shared_key = Settings::Source::SharedKey();
  Settings::Source bearer = SourceNamed("bearer");
  bearer.bearer.emplace();
  Settings::Source basic = SourceNamed("basic");
  basic.basic.emplace();
  Settings::Source reported = SourceNamed("reported");
  reported.shared_key = Settings::Source::SharedKey();
  reported.shared_key->enforce = Enforce::kReport;
  Settings::Source networks = SourceNamed("networks");
  networks.allowed_networks.push_back(IpNetwork::Parse("198.51.100.0/24").value());

  Settings settings;
  settings.http.server.listen = "0.0.0.0:8080";
  settings.sources = {token, key, bearer, basic};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.sources.push_back(reported);
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("the source \"reported\" has no")));
  settings.sources.push_back(networks);
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(HasSubstr("the sources \"reported\", \"networks\" have no")));
  settings.http.server.listen = "127.0.0.1:8080";
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  reported.path_token_file = "f";
  settings.http.server.listen = "0.0.0.0:8080";
  settings.sources = {reported};
  EXPECT_THAT(FaultsOf(settings), IsEmpty()) << "the token keeps strangers out";
}

TEST(ListenerRulesTest, SubscribersOnOtherMachinesNeedASettingThatSaysSo) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.http.allow_unauthenticated = true;  // the other port's does not help
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("grpc.listen: "),
                                HasSubstr("set grpc.allow_unauthenticated to true"))));
  settings.grpc.allow_unauthenticated = true;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(ListenerRulesTest, CertificatesOfSubscribersKeepStrangersOut) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.grpc.tls = Tls();
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("grpc.listen: "))) << "TLS alone does not";
  settings.grpc.tls = MutualTls();
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(ListenerRulesTest, AnAccessListKeepsStrangersOut) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.grpc.tls = Tls();
  settings.access = {WithToken("crm")};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(ListenerRulesTest, TokensAreNotSentInTheClearUnlessASettingSaysSo) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.access = {WithToken("crm")};
  settings.grpc.allow_unauthenticated = true;  // is about something else
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("grpc.listen: "), HasSubstr("has no TLS"),
                                HasSubstr("grpc.allow_cleartext to true"))));
  settings.grpc.allow_cleartext = true;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.grpc.allow_cleartext = false;
  settings.grpc.tls = Tls();
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.grpc.tls = {};
  settings.grpc.server.listen = "127.0.0.1:50051";
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(ListenerRulesTest, ATokenForMetricsAloneIsNotSentToThePortForSubscribers) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.access = {Monitor(WithToken("collector"))};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.access[0].monitor = false;
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("has no TLS"))) << "may ask for health";
}

TEST(ListenerRulesTest, MetricsBeyondThisMachineNeedASettingThatSaysForWhom) {
  Settings settings;
  settings.admin.server.listen = "0.0.0.0:8081";
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("admin.listen: 0.0.0.0:8081"),
                                HasSubstr("Set admin.allowed_networks"), HasSubstr("10.0.0.0/8"),
                                HasSubstr("set admin.allow_unauthenticated to true"))));
  Settings allowed = settings;
  allowed.admin.allow_unauthenticated = true;
  EXPECT_THAT(FaultsOf(allowed), IsEmpty());
  Settings networks = settings;
  networks.admin.allowed_networks.push_back(IpNetwork::Parse("10.0.0.0/8").value());
  EXPECT_THAT(FaultsOf(networks), IsEmpty());
  Settings certificates = settings;
  certificates.admin.tls = MutualTls();
  EXPECT_THAT(FaultsOf(certificates), IsEmpty());
}

TEST(ListenerRulesTest, AMonitorKeepsStrangersFromMetricsIfItsTokenCannotBeSeen) {
  Settings settings;
  settings.admin.server.listen = "0.0.0.0:8081";
  settings.access = {Monitor(WithToken("collector"))};
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("admin.listen: ")));
  settings.admin.tls = Tls();
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.access[0].monitor = false;
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("admin.listen: ")));
}

TEST(ListenerRulesTest, ATokenThatMayDoMoreThanMonitorIsNotSentInTheClear) {
  Settings settings;
  settings.admin.server.listen = "0.0.0.0:8081";
  settings.admin.allow_unauthenticated = true;
  settings.access = {Monitor(WithToken("collector")), WithToken("operator")};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.access[1].monitor = true;
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("admin.listen: "), HasSubstr("identity \"operator\""))));
  settings.admin.tls = Tls();
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

// Everything in order, but for what a row changes.
Settings Whole() {
  Settings settings;
  settings.http.tls = Tls();
  settings.grpc.tls = OptionalMutualTls();
  settings.grpc.server.unix_socket = "grpc.sock";
  settings.admin.tls = OptionalMutualTls();
  settings.access = {WithToken("operator"), WithCertificate("crm"), OfUnixSocket("sidecar"),
                     Monitor(WithCertificate("collector"))};
  return settings;
}

struct FaultCase {
  const char* reason;
  void (*change)(Settings& settings);
  const char* fault;
};

class ListenerRulesFaultsTest : public ::testing::TestWithParam<FaultCase> {};

TEST_P(ListenerRulesFaultsTest, WhatHasNoEffectIsAFault) {
  ASSERT_THAT(FaultsOf(Whole()), IsEmpty());
  Settings settings = Whole();
  GetParam().change(settings);
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith(GetParam().fault))) << GetParam().reason;
}

INSTANTIATE_TEST_SUITE_P(
    Combinations, ListenerRulesFaultsTest,
    ::testing::Values(
        FaultCase{"a key alone", [](Settings& s) { s.http.tls.certificate_file.clear(); },
                  "http.tls.key_file: has no effect without http.tls.certificate_file"},
        FaultCase{"a certificate alone", [](Settings& s) { s.grpc.tls.key_file.clear(); },
                  "grpc.tls.certificate_file: has no effect without grpc.tls.key_file"},
        FaultCase{"authorities without TLS",
                  [](Settings& s) {
                    s.admin.tls = {};
                    s.admin.tls.client_ca_file = "ca.crt";
                  },
                  "admin.tls.client_ca_file: has no effect"},
        FaultCase{"optional, and nobody asks",
                  [](Settings& s) {
                    s.admin.tls = Tls();
                    s.admin.tls.client_certificate = ClientCertificate::kOptional;
                  },
                  "admin.tls.client_certificate: is optional, but without"},
        FaultCase{"optional, and everybody gets in",
                  [](Settings& s) {
                    s.access.clear();
                    s.admin.tls = Tls();
                  },
                  "grpc.tls.client_certificate: is optional, but no identity of access has a "
                  "token: without a certificate everybody could do everything"},
        FaultCase{"optional, and nobody else gets in",
                  [](Settings& s) { s.access.erase(s.access.begin()); },
                  "grpc.tls.client_certificate: is optional, but no identity of access has a "
                  "token: without a certificate nobody could do anything"},
        FaultCase{"optional, and metrics are for everybody",
                  [](Settings& s) { s.access[3].monitor = false; },
                  "admin.tls.client_certificate: is optional, but no identity"},
        FaultCase{"a certificate that nobody asks for",
                  [](Settings& s) {
                    s.grpc.tls = Tls();
                    s.admin.tls = Tls();
                    s.access.pop_back();
                  },
                  "access[1].certificate: is asked for nowhere"},
        FaultCase{"a socket that is nowhere",
                  [](Settings& s) { s.grpc.server.unix_socket.clear(); },
                  "access[2].unix_socket: has no effect"},
        FaultCase{"a socket that nobody may use",
                  [](Settings& s) {
                    s.grpc.tls = MutualTls();
                    s.access.erase(s.access.begin() + 2);
                    s.access.erase(s.access.begin());
                  },
                  "grpc.unix_socket: lets nobody in"}));

TEST(ListenerRulesTest, ATokenBehindARequiredCertificateIsDoubted) {
  Settings settings;
  settings.grpc.tls = MutualTls();
  settings.access = {WithToken("billing"), WithCertificate("crm"), Monitor(WithToken("metrics"))};
  EXPECT_THAT(FindListenerDoubts(settings),
              ElementsAre(AllOf(HasSubstr("\"billing\""), HasSubstr("optional"))));
  settings.grpc.tls.client_certificate = ClientCertificate::kOptional;
  EXPECT_THAT(FindListenerDoubts(settings), IsEmpty());
}

TEST(ListenerRulesTest, AnIdentityThatMayNothingIsDoubted) {
  Settings settings;
  settings.access = {OfUnixSocket("crm")};
  settings.access[0].subscribe.clear();
  EXPECT_THAT(FindListenerDoubts(settings),
              ElementsAre("access gives the identity \"crm\" nothing"));
  settings.access[0].watch = true;
  EXPECT_THAT(FindListenerDoubts(settings), IsEmpty());
}

TEST(ListenerRulesTest, WithoutAListTheUnixSocketIsForWhomeverItsFileLetsIn) {
  Settings settings;
  settings.grpc.server.unix_socket = "grpc.sock";
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

}  // namespace
}  // namespace onhook
