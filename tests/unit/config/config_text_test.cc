#include "gateway/config/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/config/invocation.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::Eq;
using ::testing::HasSubstr;
using Strings = std::vector<std::string>;

// What --print-config tells of a file of settings, and what it tells of that again.
class ConfigTextTest : public ::testing::Test {
 protected:
  Invocation Read(const std::string& text, const Strings& more = {}) {
    const std::string path = absl::StrCat(directory_.path(), "/o.yaml");
    std::ofstream(path) << text;
    Strings arguments = {"--print-config", "--config", path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const absl::StatusOr<Invocation> invocation = ReadInvocation(arguments, {});
    EXPECT_TRUE(invocation.ok()) << invocation.status() << "\n" << text;
    return invocation.value_or(Invocation());
  }
  std::string Print(const std::string& text, const Strings& more = {}) {
    std::string printed = AnswerTo(Read(text, more));
    // The directory is another one each time.
    return absl::StrJoin(absl::StrSplit(printed, directory_.path() + "/"), "");
  }
  static std::string WithoutOrigins(const std::string& printed) {
    Strings lines;
    for (const absl::string_view line : absl::StrSplit(printed, '\n')) {
      lines.emplace_back(line.substr(0, line.find("  # ")));
      while (!lines.back().empty() && lines.back().back() == ' ') lines.back().pop_back();
    }
    return absl::StrJoin(lines, "\n");
  }

  TemporaryDirectory directory_;
};

std::string Written(const std::vector<IpNetwork>& networks) {
  return absl::StrJoin(networks, " ", [](std::string* out, const IpNetwork& network) {
    absl::StrAppend(out, network.ToString());
  });
}

void ExpectSame(const Settings::Source& a, const Settings::Source& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.path_token_file, b.path_token_file);
  ASSERT_EQ(a.shared_key.has_value(), b.shared_key.has_value());
  if (a.shared_key) {
    EXPECT_EQ(a.shared_key->key_files, b.shared_key->key_files);
    EXPECT_EQ(a.shared_key->replay_window, b.shared_key->replay_window);
    EXPECT_EQ(a.shared_key->enforce, b.shared_key->enforce);
  }
  ASSERT_EQ(a.bearer.has_value(), b.bearer.has_value());
  if (a.bearer) {
    EXPECT_EQ(a.bearer->token_files, b.bearer->token_files);
  }
  ASSERT_EQ(a.basic.has_value(), b.basic.has_value());
  if (a.basic) {
    EXPECT_EQ(a.basic->username, b.basic->username);
    EXPECT_EQ(a.basic->password_files, b.basic->password_files);
  }
  EXPECT_EQ(Written(a.allowed_networks), Written(b.allowed_networks));
  EXPECT_EQ(Written(a.trusted_proxies), Written(b.trusted_proxies));
  EXPECT_EQ(a.time_zone, b.time_zone);
  EXPECT_EQ(a.acknowledge.when, b.acknowledge.when);
  EXPECT_EQ(a.acknowledge.subscriptions, b.acknowledge.subscriptions);
  EXPECT_EQ(a.acknowledge.timeout, b.acknowledge.timeout);
  EXPECT_EQ(a.always_200, b.always_200);
}

void ExpectSame(const Settings::Identity& a, const Settings::Identity& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.certificate, b.certificate);
  EXPECT_EQ(a.token_files, b.token_files);
  EXPECT_EQ(a.unix_socket, b.unix_socket);
  EXPECT_EQ(a.subscribe, b.subscribe);
  EXPECT_EQ(a.create, b.create);
  EXPECT_EQ(a.administer, b.administer);
  EXPECT_EQ(a.watch, b.watch);
  EXPECT_EQ(a.read_events, b.read_events);
  EXPECT_EQ(a.rejected_callbacks, b.rejected_callbacks);
  EXPECT_EQ(a.see_numbers, b.see_numbers);
  EXPECT_EQ(a.monitor, b.monitor);
}

void ExpectSame(const Settings& a, const Settings& b) {
  for (const Setting& setting : SettingsTable()) EXPECT_EQ(setting.write(a), setting.write(b));
  ASSERT_EQ(a.sources.size(), b.sources.size());
  for (size_t i = 0; i < a.sources.size(); ++i) ExpectSame(a.sources[i], b.sources[i]);
  ASSERT_EQ(a.subscriptions.size(), b.subscriptions.size());
  for (size_t i = 0; i < a.subscriptions.size(); ++i) {
    EXPECT_EQ(a.subscriptions[i].name, b.subscriptions[i].name);
    EXPECT_EQ(a.subscriptions[i].spec.DebugString(), b.subscriptions[i].spec.DebugString());
  }
  ASSERT_EQ(a.access.size(), b.access.size());
  for (size_t i = 0; i < a.access.size(); ++i) ExpectSame(a.access[i], b.access[i]);
}

constexpr char kEverything[] = R"(
http: {listen: "[::1]:0", max_headers: 50, max_waiting_callbacks: 7}
grpc:
  unix_socket: "/a b.sock"
  unix_socket_mode: 0600
  tls: {certificate_file: c, key_file: k, client_ca_file: a, client_certificate: optional}
admin: {allowed_networks: [198.51.100.0/24, "::1"]}
store: {directory: "a: b # \"c\" \\ ü\tx", retention: {age: unlimited}}
acknowledge: {when: processed, subscriptions: [crm, "null"], timeout: 2s}
sources:
  - name: sales
    path: /release-events/sales
    path_token_file: "~"
    authentication: {shared_key: {key_files: [current, " previous"], replay_window: 0s, enforce: report}}
    allowed_networks: [198.51.100.0/24, "::1"]
    trusted_proxies: [10.0.0.0/8]
    time_zone: Asia/Shanghai
    acknowledge: {when: forwarded, subscriptions: [], timeout: 400ms}
    answer: {always_200: true}
  - name: "1"
    path: /1
    authentication: {bearer: {token_files: ["- a"]}}
    acknowledge: {timeout: 3s}
  - name: basic
    path: /basic
    authentication: {basic: {username: "j\"o", password_files: [a, b]}}
  - name: open
    path: /open
    authentication: none
subscriptions:
  - name: crm
    ack_deadline: 45s
    max_delivery_attempts: unlimited
    minimum_retry_time: 1h
    max_unacked_events: 500
    start_position: latest
    filter: {sources: [sales], service_nos: [0086400123, "", "a, b", "null"], release_reason_codes: [1]}
    backlog_limit: {age: 2d, bytes: 64MiB}
  - {name: "null", start_position: earliest, max_delivery_attempts: 3, backlog_limit: {bytes: 1B}}
  - {name: billing, filter: {}}
access:
  - name: crm
    certificate: "spiffe://example.org/crm"
    subscribe: [crm, "crm-*", "*"]
    see_numbers: true
  - {name: "null", token_files: [a, "~"], administer: ["*"], create: [b], watch: true, read_events: true, rejected_callbacks: true, monitor: true}
  - {name: sidecar, unix_socket: true}
)";

TEST_F(ConfigTextTest, WhatIsPrintedGivesTheSameSettingsAgain) {
  for (const std::string& text : {std::string(kEverything), std::string("# nothing\n")}) {
    const Invocation first = Read(text);
    const std::string printed = AnswerTo(first);
    const Invocation second = Read(printed);
    ExpectSame(first.settings, second.settings);
    EXPECT_EQ(WithoutOrigins(AnswerTo(second)), WithoutOrigins(printed));
  }
}

TEST_F(ConfigTextTest, WhatFlagsSayIsPrintedForAFileToo) {
  const Strings flags = {"--http-max-body-bytes=1MiB", "--acknowledge-subscriptions=crm,billing",
                         "--store-directory=two\nlines"};
  const Invocation first = Read("subscriptions: [{name: crm}, {name: billing}]", flags);
  ExpectSame(first.settings, Read(AnswerTo(first)).settings);
}

TEST_F(ConfigTextTest, EachValueHasItsOrigin) {
  const std::string printed = Print(R"(
http: {max_headers: 50}
sources:
  - name: a
    path: /a
    acknowledge: {timeout: 1s}
)",
                                    {"--http-max-refusals=5"});
  for (const char* line : {
           "\n  max_headers: 50                        # file o.yaml:2:21\n",
           "\n  max_refusals: 5                        # flag --http-max-refusals\n",
           "\n  backlog: 1024                          # default\n",
           "\nsources:\n  - name: a                              # file o.yaml:4:11\n",
           "\n    path: /a                             # file o.yaml:5:11\n",
           "\n    authentication: none                 # default\n",
           "\n      when: forwarded                    # as acknowledge.when\n",
           "\n      timeout: 1s                        # file o.yaml:6:28\n",
           "\nsubscriptions: []\n",
       }) {
    EXPECT_THAT(printed, HasSubstr(line));
  }
}

// The line of a setting, or of a member of a list, in what was printed; with its indentation.
std::string LineOf(const std::string& name, const std::string& printed) {
  Strings open;  // the mappings that the line is in
  for (const std::string& line : Strings(absl::StrSplit(printed, '\n'))) {
    const size_t depth = line.find_first_not_of(' ') / 2;
    const std::string key = line.substr(2 * depth, line.find(':') - 2 * depth);
    if (line.empty()) continue;
    open.resize(std::min(open.size(), depth));
    open.push_back(key);
    if (absl::StrJoin(open, ".") == name) return line;
  }
  return "";
}

// How a setting's default is written in a file: so each can be given and stay what it is.
std::string FileWithAllDefaults() {
  std::vector<EffectiveSetting> values;
  for (const Setting& setting : SettingsTable()) {
    values.push_back({&setting, setting.write(Settings()), ""});
  }
  return ConfigText(values, Settings(), {});
}

TEST_F(ConfigTextTest, EverySettingHasTheOriginThatItCameFrom) {
  const std::string file = FileWithAllDefaults();
  const std::string path = directory_.path() + "/o.yaml";
  for (const Setting& setting : SettingsTable()) {
    const std::string name(setting.name);
    const std::string value = setting.write(Settings());
    const auto print = [&](const Strings& arguments, const Strings& environment) {
      return LineOf(name, AnswerTo(ReadInvocation(arguments, environment).value()));
    };
    std::ofstream(path) << file;
    const Strings from_file = {"--print-config", "--config", path};
    Strings from_flag = from_file;
    from_flag.push_back(absl::StrCat(setting.Flag(), "=", value));
    const Strings variable = {absl::StrCat(setting.Variable(), "=", value)};
    EXPECT_THAT(print({"--print-config"}, {}), EndsWith("  # default")) << name;
    EXPECT_THAT(print(from_file, {}),
                ContainsRegex(absl::StrCat("  # file ", path, ":[0-9]+:[0-9]+$")))
        << name;
    EXPECT_THAT(print(from_file, variable),
                EndsWith(absl::StrCat("  # variable ", setting.Variable())))
        << name;
    EXPECT_THAT(print(from_flag, variable), EndsWith(absl::StrCat("  # flag ", setting.Flag())))
        << name;
  }
}

TEST_F(ConfigTextTest, ThePlaceOfAValueIsWhereItStands) {
  const std::string file = FileWithAllDefaults();
  const Strings lines = absl::StrSplit(file, '\n');
  const Invocation invocation = Read(file);
  for (const EffectiveSetting& value : invocation.values) {
    const Strings parts = absl::StrSplit(value.origin, ':');
    ASSERT_EQ(parts.size(), 3u) << value.origin;
    const std::string& line = lines[static_cast<size_t>(std::stoi(parts[1])) - 1];
    const std::string key(value.setting->name.substr(value.setting->name.rfind('.') + 1));
    EXPECT_THAT(line.substr(0, static_cast<size_t>(std::stoi(parts[2])) - 1), EndsWith(key + ": "))
        << value.setting->name;
  }
}

TEST_F(ConfigTextTest, EveryMemberOfAListHasItsOriginOrSaysThatNobodyGaveIt) {
  const std::string printed = Print(kEverything);
  const size_t lists = printed.find("\nsources:\n");
  ASSERT_NE(lists, std::string::npos);
  for (const absl::string_view line : absl::StrSplit(printed.substr(lists + 1), '\n')) {
    if (line.empty() || absl::EndsWith(line, ":")) continue;  // of a mapping only its members
    EXPECT_THAT(
        std::string(line),
        ContainsRegex("  # (file o\\.yaml:[0-9]+:[0-9]+|default|as acknowledge\\.[a-z]+)$"));
  }
}

TEST_F(ConfigTextTest, ASourceThatWaitsForNoneSaysWhyItDoesNotHaveTheSubscriptionsOfAll) {
  const std::string printed = Print(
      "{acknowledge: {when: processed, subscriptions: [crm]}, subscriptions: [{name: crm}], "
      "sources: [{name: a, path: /a, acknowledge: {when: stored}}, {name: b, path: /b}]}");
  EXPECT_THAT(printed, ContainsRegex("subscriptions: \\[\\] +# none, as stored waits for none\n"));
  EXPECT_THAT(printed, ContainsRegex("subscriptions: \\[crm\\] +# as acknowledge.subscriptions\n"));
}

TEST_F(ConfigTextTest, ALineOfAnOriginIsNoLineOfTheFile) {
  const std::vector<EffectiveSetting> values = {
      {&SettingsTable()[0], "127.0.0.1:0", "file a\nadmin: {listen: x}:1:1"}};
  EXPECT_THAT(ConfigText(values, Settings(), {}),
              HasSubstr("listen: 127.0.0.1:0      # file a?admin: {listen: x}:1:1\n"));
}

TEST_F(ConfigTextTest, TheSourceThatNobodyDeclaresIsPrinted) {
  const std::string printed = WithoutOrigins(Print("acknowledge: {when: stored}"));
  EXPECT_THAT(printed.substr(printed.find("sources:")), Eq(R"(sources:
  - name: default
    path: /release-events
    authentication: none
    allowed_networks: []
    trusted_proxies: []
    time_zone: UTC
    acknowledge:
      when: stored
      subscriptions: []
      timeout: 500ms
    answer:
      always_200: false
subscriptions: []
)"));
}

}  // namespace
}  // namespace onhook
