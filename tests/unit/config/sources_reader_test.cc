// `sources` of a file of settings, read as part of one.
#include "gateway/config/sources_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/settings_file.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Enforce = Settings::Source::SharedKey::Enforce;
using When = Settings::Acknowledge::When;

std::vector<DeclaredSource> SourcesOf(const std::string& text) {
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(text, "f", faults);
  EXPECT_THAT(faults, IsEmpty()) << text;
  EXPECT_TRUE(file.sources.has_value()) << text;
  return file.sources.value_or(std::vector<DeclaredSource>());
}

std::vector<std::string> FaultsOf(const std::string& text) {
  std::vector<std::string> faults;
  ParseSettingsFile(text, "f", faults);
  return faults;
}

TEST(SourcesReaderTest, EveryMemberIsRead) {
  const std::vector<DeclaredSource> sources = SourcesOf(R"(
sources:
  - name: sales
    path: /release-events/Sales:1._-
    path_token_file: token
    authentication: {shared_key: {key_files: [current, previous], replay_window: 1h, enforce: report}}
    allowed_networks: [198.51.100.0/24, 2001:db8::/32]
    trusted_proxies: [10.0.0.1]
    time_zone: Asia/Shanghai
    acknowledge: {when: processed, subscriptions: [crm, billing], timeout: 2s}
    answer: {always_200: true}
)");
  ASSERT_THAT(sources, SizeIs(1));
  const Settings::Source& sales = sources[0].source;
  EXPECT_EQ(sales.name, "sales");
  EXPECT_EQ(sales.path, "/release-events/Sales:1._-");
  EXPECT_EQ(sales.path_token_file, "token");
  ASSERT_TRUE(sales.shared_key.has_value());
  EXPECT_THAT(sales.shared_key->key_files, ElementsAre("current", "previous"));
  EXPECT_EQ(sales.shared_key->replay_window, absl::Hours(1));
  EXPECT_EQ(sales.shared_key->enforce, Enforce::kReport);
  EXPECT_FALSE(sales.bearer.has_value() || sales.basic.has_value());
  ASSERT_THAT(sales.allowed_networks, SizeIs(2));
  EXPECT_EQ(sales.allowed_networks[1].ToString(), "2001:db8::/32");
  ASSERT_THAT(sales.trusted_proxies, SizeIs(1));
  EXPECT_EQ(sales.trusted_proxies[0].ToString(), "10.0.0.1/32");
  EXPECT_EQ(sales.time_zone, "Asia/Shanghai");
  EXPECT_EQ(sources[0].when, When::kProcessed);
  EXPECT_THAT(sources[0].subscriptions.value(), ElementsAre("crm", "billing"));
  EXPECT_EQ(sources[0].timeout, absl::Seconds(2));
  EXPECT_TRUE(sales.always_200);
}

TEST(SourcesReaderTest, ANameAndAPathAreEnough) {
  const std::vector<DeclaredSource> sources = SourcesOf("sources: [{name: a, path: /a}]");
  ASSERT_THAT(sources, SizeIs(1));
  const Settings::Source& source = sources[0].source;
  EXPECT_FALSE(source.HasAuthentication());
  EXPECT_THAT(source.allowed_networks, IsEmpty());
  EXPECT_EQ(source.time_zone, "UTC");
  EXPECT_FALSE(source.always_200);
  EXPECT_FALSE(sources[0].when || sources[0].subscriptions || sources[0].timeout);
}

TEST(SourcesReaderTest, EachAuthenticationIsRead) {
  const std::vector<DeclaredSource> sources = SourcesOf(R"(
sources:
  - {name: a, path: /a, authentication: none}
  - {name: b, path: /b, authentication: {bearer: {token_files: [one, two]}}}
  - {name: c, path: /c, authentication: {basic: {username: joe, password_files: [one]}}}
  - {name: d, path: /d, authentication: {shared_key: {key_files: [one]}}}
)");
  ASSERT_THAT(sources, SizeIs(4));
  EXPECT_FALSE(sources[0].source.HasAuthentication());
  EXPECT_THAT(sources[1].source.bearer->token_files, ElementsAre("one", "two"));
  EXPECT_EQ(sources[2].source.basic->username, "joe");
  EXPECT_THAT(sources[2].source.basic->password_files, ElementsAre("one"));
  EXPECT_EQ(sources[3].source.shared_key->replay_window, absl::Minutes(15));
  EXPECT_EQ(sources[3].source.shared_key->enforce, Enforce::kReject);
}

TEST(SourcesReaderTest, PathsThatCannotBeMistakenStandBesideEachOther) {
  SourcesOf(R"(
sources:
  - {name: a, path: /hooks, path_token_file: t}
  - {name: b, path: /hooks/two/segments}
  - {name: c, path: /hooks-2}
  - {name: d, path: /Hooks}
  - {name: e, path: /hooks/behind, path_token_file: t}
  - {name: f, path: /open}
  - {name: g, path: /open/more}
)");
}

std::string ManySources(int count) {
  std::string text = "sources:\n";
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, "  - {name: s", i, ", path: /s", i, "}\n");
  return text;
}

TEST(SourcesReaderTest, AHundredAreTheMost) {
  EXPECT_THAT(SourcesOf(ManySources(100)), SizeIs(100));
  EXPECT_THAT(FaultsOf(ManySources(101)), ElementsAre("f:2:3: sources: must hold 1 to 100"));
}

struct FaultRow {
  std::string text;
  std::string fault;  // how it begins
};

void ExpectFaults(const std::vector<FaultRow>& rows) {
  for (const FaultRow& row : rows) {
    EXPECT_THAT(FaultsOf(row.text), ElementsAre(StartsWith(row.fault))) << row.text;
  }
}

TEST(SourcesReaderTest, WhatIsNoSequenceOfSourcesIsAFault) {
  ExpectFaults({
      {"sources: sales", "f:1:10: sources: must be a sequence"},
      {"sources: {name: a, path: /a}", "f:1:10: sources: must be a sequence"},
      {"sources:", "f:1:1: sources: must be a sequence"},
      {"sources: []", "f:1:10: sources: must hold 1 to 100"},
      {"sources: [sales]", "f:1:11: sources[0]: must be a mapping"},
      {"sources:\n  - {name: a, path: /a}\n  - ~\n", "f:3:5: sources[1]: must be a mapping"},
      {"sources: [{name: a, path: /a}]\nsources: [{name: b, path: /b}]",
       "f:2:1: sources: is given twice"},
      {"sources: [{name: a, path: /a, color: red}]", "f:1:31: sources[0].color: no such key"},
      {"sources: [{name: a, path: /a, path: /b}]", "f:1:31: sources[0].path: is given twice"},
  });
}

TEST(SourcesReaderTest, AWrongNameOrPathIsAFaultAtItsPlace) {
  const std::string name = "f:1:17: sources[0].name: must be 1 to 63 characters";
  const std::string begin = "f:1:27: sources[0].path: must begin with /";
  const std::string empty = "f:1:27: sources[0].path: must hold no empty segment, nor end with /";
  const std::string dots = "f:1:27: sources[0].path: must hold no segment \".\" or \"..\"";
  const std::string other = "f:1:27: sources[0].path: may hold a-z A-Z 0-9 - : . _ / only";
  const auto with_path = [](const std::string& path) {
    return absl::StrCat("sources: [{name: a, path: ", path, "}]");
  };
  ExpectFaults({
      {"sources: [{path: /a}]", "f:1:11: sources[0].name: must be 1 to 63"},
      {"sources: [{name: A, path: /a}]", "f:1:18: sources[0].name: must be 1 to 63"},
      {"sources: [{name: \"a b\", path: /a}]", "f:1:18: sources[0].name: must be 1 to 63"},
      {"sources: [{name: [a], path: /a}]", "f:1:18: sources[0].name: must be a text"},
      {"sources: [{name: ~, path: /a}]", "f:1:18: sources[0].name: must be a text"},
      {"sources: [{name: a}]", "f:1:11: sources[0].path: must begin with /"},
      {with_path("\"\""), begin},
      {with_path("a"), begin},
      {with_path("http://a/b"), begin},
      {with_path("/"), empty},
      {with_path("/a/"), empty},
      {with_path("//a"), empty},
      {with_path("/a//b"), empty},
      {with_path("/."), dots},
      {with_path("/a/../b"), dots},
      {with_path("/a/.."), dots},
      {with_path("\"/a?b\""), other},
      {with_path("\"/a#b\""), other},
      {with_path("/a&b"), other},
      {with_path("/a%2fb"), other},
      {with_path("\"/a b\""), other},
      {with_path("/\xC3\xBC"), other},
      {with_path("\"/a\\0b\""), other},
      {with_path("/" + std::string(512, 'a')), "f:1:27: sources[0].path: has more than 512"},
      {"sources: [{name: a, path: /a, path_token_file: \"\"}]",
       "f:1:48: sources[0].path_token_file: must be a path"},
      {"sources: [{name: a, path: /a, path_token_file: [t]}]",
       "f:1:48: sources[0].path_token_file: must be a text"},
  });
  EXPECT_THAT(SourcesOf(with_path("/" + std::string(511, 'a'))), SizeIs(1));
  EXPECT_THAT(SourcesOf(with_path("/.well-known/...")), SizeIs(1));
}

// Behind "sources: [{name: a, path: /a, authentication: " is column 47.
std::string WithAuthentication(const std::string& value) {
  return absl::StrCat("sources: [{name: a, path: /a, authentication: ", value, "}]");
}

TEST(SourcesReaderTest, AWrongAuthenticationIsAFaultAtItsPlace) {
  const std::string key = "sources[0].authentication";
  const std::string files = ": must name one file, or two while the secret changes";
  ExpectFaults({
      {WithAuthentication("yes"), "f:1:47: " + key + ": must be none, or one of"},
      {WithAuthentication("~"), "f:1:47: " + key + ": must be none, or one of"},
      {WithAuthentication("{}"), "f:1:47: " + key + ": must be none, or one of"},
      {WithAuthentication("[none]"), "f:1:47: " + key + ": must be none, or one of"},
      {WithAuthentication("{none: 1}"), "f:1:48: " + key + ".none: no such key"},
      {WithAuthentication("{bearer: {token_files: [a]}, shared_key: {key_files: [a]}}"),
       "f:1:47: " + key + ": must be one of shared_key, bearer and basic"},
      {WithAuthentication("{bearer: a}"), "f:1:56: " + key + ".bearer: must be a mapping"},
      {WithAuthentication("{bearer: {}}"), "f:1:56: " + key + ".bearer.token_files" + files},
      {WithAuthentication("{bearer: {token_files: a}}"),
       "f:1:70: " + key + ".bearer.token_files: must be a sequence"},
      {WithAuthentication("{bearer: {token_files: []}}"),
       "f:1:70: " + key + ".bearer.token_files" + files},
      {WithAuthentication("{bearer: {token_files: [a, b, c]}}"),
       "f:1:70: " + key + ".bearer.token_files" + files},
      {WithAuthentication("{bearer: {token_files: [a, \"\"]}}"),
       "f:1:70: " + key + ".bearer.token_files: must hold paths of files"},
      {WithAuthentication("{bearer: {token_files: [a, a]}}"),
       "f:1:70: " + key + ".bearer.token_files: names one file twice"},
      {WithAuthentication("{bearer: {token_files: [[a]]}}"),
       "f:1:71: " + key + ".bearer.token_files[0]: must be a text"},
      {WithAuthentication("{bearer: {token: secret}}"),
       "f:1:57: " + key + ".bearer.token: no such key"},
      {WithAuthentication("{basic: {password_files: [a]}}"),
       "f:1:55: " + key + ".basic.username: must be 1 to 128 bytes"},
      {WithAuthentication("{basic: {username: \"a:b\", password_files: [a]}}"),
       "f:1:66: " + key + ".basic.username: must be 1 to 128 bytes"},
      {WithAuthentication("{basic: {username: \"a\\nb\", password_files: [a]}}"),
       "f:1:66: " + key + ".basic.username: must be 1 to 128 bytes"},
      {WithAuthentication("{basic: {username: a}}"),
       "f:1:55: " + key + ".basic.password_files" + files},
      {WithAuthentication("{shared_key: {replay_window: 1m}}"),
       "f:1:60: " + key + ".shared_key.key_files" + files},
      {WithAuthentication("{shared_key: {key_files: [a], enforce: maybe}}"),
       "f:1:86: " + key + ".shared_key.enforce: must be reject or report"},
      {WithAuthentication("{shared_key: {key_files: [a], replay_window: 15}}"),
       "f:1:92: " + key + ".shared_key.replay_window: must be a whole number with its unit"},
      {WithAuthentication("{shared_key: {key_files: [a], replay_window: 999ms}}"),
       "f:1:92: " + key + ".shared_key.replay_window: must be 1s to 24h, or 0s for none"},
      {WithAuthentication("{shared_key: {key_files: [a], replay_window: 25h}}"),
       "f:1:92: " + key + ".shared_key.replay_window: must be 1s to 24h, or 0s for none"},
  });
}

TEST(SourcesReaderTest, AReplayWindowIsNoneOrASecondToADay) {
  for (const char* window : {"0s", "0ms", "1s", "1000ms", "24h", "1d"}) {
    const auto sources = SourcesOf(WithAuthentication(
        absl::StrCat("{shared_key: {key_files: [a], replay_window: ", window, "}}")));
    EXPECT_THAT(sources, SizeIs(1)) << window;
  }
}

TEST(SourcesReaderTest, AWrongValueOfTheRestIsAFaultAtItsPlace) {
  const auto with = [](const std::string& member) {
    return absl::StrCat("sources: [{name: a, path: /a, ", member, "}]");
  };
  const std::string zone = "f:1:42: sources[0].time_zone: must be the IANA name";
  std::string networks = "allowed_networks: [";
  for (int i = 0; i < 257; ++i) absl::StrAppend(&networks, i > 0 ? ", " : "", "10.0.0.1");
  ExpectFaults({
      {with("allowed_networks: 10.0.0.0/8"),
       "f:1:49: sources[0].allowed_networks: must be a sequence"},
      {with("allowed_networks: [::1/128, 10.0.0.1/8]"),
       "f:1:59: sources[0].allowed_networks[1]: has bits set behind its prefix; the "
       "network is 10.0.0.0/8"},
      {with("allowed_networks: [example.org]"),
       "f:1:50: sources[0].allowed_networks[0]: must be ADDRESS or ADDRESS/BITS"},
      {with(networks + "]"), "f:1:49: sources[0].allowed_networks: holds more than 256"},
      {with("trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]"),
       "f:1:48: sources[0].trusted_proxies: holds every address"},
      {with("trusted_proxies: [~]"), "f:1:49: sources[0].trusted_proxies[0]: must be a text"},
      {with("trusted_proxies: [proxy]"), "f:1:49: sources[0].trusted_proxies[0]: must be ADDRESS"},
      {with("time_zone: Asia/Atlantis"), zone},
      {with("time_zone: \"\""), zone},
      {with("time_zone: /etc/localtime"), zone},
      {with("time_zone: file:/etc/localtime"), zone},
      {with("time_zone: ../../../etc/localtime"), zone},
      {with("time_zone: UTC+8"), zone},
      {with("time_zone: Asia"), zone},
      {with("acknowledge: stored"), "f:1:44: sources[0].acknowledge: must be a mapping"},
      {with("acknowledge: {when: soon}"), "f:1:51: sources[0].acknowledge.when: must be forwarded"},
      {with("acknowledge: {timeout: 5}"),
       "f:1:54: sources[0].acknowledge.timeout: must be a whole number with its unit"},
      {with("acknowledge: {subscriptions: crm}"),
       "f:1:60: sources[0].acknowledge.subscriptions: must be a sequence"},
      {with("acknowledge: {subscriptions: [crm, C R M]}"),
       "f:1:66: sources[0].acknowledge.subscriptions[1]: must be the name of a subscription"},
      {with("acknowledge: {subscriptions: [[crm]]}"),
       "f:1:61: sources[0].acknowledge.subscriptions[0]: must be a text"},
      {with("acknowledge: {why: because}"), "f:1:45: sources[0].acknowledge.why: no such key"},
      {with("answer: true"), "f:1:39: sources[0].answer: must be a mapping"},
      {with("answer: {always_200: yes}"),
       "f:1:52: sources[0].answer.always_200: must be true or false, without quotes"},
      {with("answer: {always_200: \"true\"}"),
       "f:1:52: sources[0].answer.always_200: must be true or false, without quotes"},
  });
}

TEST(SourcesReaderTest, SourcesThatCannotStandBesideEachOtherAreAFaultOfTheLater) {
  const std::string ambiguous = "and that of source a are ambiguous";
  ExpectFaults({
      {"sources:\n  - {name: a, path: /a}\n  - {name: a, path: /b}",
       "f:3:12: sources[1].name: a is the name of two sources"},
      {"sources:\n  - {name: a, path: /a}\n  - {name: b, path: /a}",
       "f:3:21: sources[1].path: is the path of source a too"},
      {"sources:\n  - {name: a, path: /a, path_token_file: t}\n"
       "  - {name: b, path: /a, path_token_file: u}",
       "f:3:21: sources[1].path: is the path of source a too"},
      {"sources:\n  - {name: a, path: /a, path_token_file: t}\n  - {name: b, path: /a/b}",
       "f:3:21: sources[1].path: " + ambiguous},
      {"sources:\n  - {name: a, path: /a/b}\n  - {name: b, path: /a, path_token_file: t}",
       "f:3:21: sources[1].path: " + ambiguous},
  });
}

TEST(SourcesReaderTest, AllFaultsAreTold) {
  EXPECT_THAT(FaultsOf(R"(
sources:
  - {name: a, path: /a, answer: {always_200: 1}, time: UTC}
  - {name: b, path: b}
  - {name: c, path: /c, time_zone: Nowhere}
)"),
              ElementsAre(StartsWith("f:3:46: sources[0].answer.always_200"),
                          StartsWith("f:3:50: sources[0].time: no such key"),
                          StartsWith("f:4:21: sources[1].path"),
                          StartsWith("f:5:36: sources[2].time_zone")));
}

TEST(DeclaredSourceTest, WhatASourceLeavesOpenOfAcknowledgeIsAsForAll) {
  const Settings::Acknowledge common = {When::kProcessed, {"crm"}, absl::Seconds(9)};
  DeclaredSource source;
  EXPECT_EQ(source.Resolve(common).acknowledge.when, When::kProcessed);
  EXPECT_THAT(source.Resolve(common).acknowledge.subscriptions, ElementsAre("crm"));
  EXPECT_EQ(source.Resolve(common).acknowledge.timeout, absl::Seconds(9));
  source.when = When::kForwarded;
  EXPECT_THAT(source.Resolve(common).acknowledge.subscriptions, ElementsAre("crm"));
  source.subscriptions.emplace();
  source.timeout = absl::Seconds(1);
  EXPECT_EQ(source.Resolve(common).acknowledge.when, When::kForwarded);
  EXPECT_THAT(source.Resolve(common).acknowledge.subscriptions, IsEmpty());
  EXPECT_EQ(source.Resolve(common).acknowledge.timeout, absl::Seconds(1));
}

TEST(DeclaredSourceTest, OneThatWaitsForNoneDoesNotHaveTheSubscriptionsOfAll) {
  const Settings::Acknowledge common = {When::kProcessed, {"crm"}, absl::Seconds(9)};
  DeclaredSource source;
  source.when = When::kStored;
  EXPECT_THAT(source.Resolve(common).acknowledge.subscriptions, IsEmpty());
  source.subscriptions = {"billing"};
  EXPECT_THAT(source.Resolve(common).acknowledge.subscriptions, ElementsAre("billing"))
      << "what it says itself is for the check to tell";
}

}  // namespace
}  // namespace onhook
