#include "gateway/config/settings_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::string> FaultsOf(const std::string& text) {
  std::vector<std::string> faults;
  ParseSettingsFile(text, "f", faults);
  return faults;
}

TEST(SettingsFileTest, SettingsAndSubscriptionsAreRead) {
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(R"(
store: {directory: /data, retention: {age: 3d, size: unlimited}}
acknowledge: {when: processed, subscriptions: [crm, billing], timeout: 2s}
subscriptions:
  - name: crm
    ack_deadline: 45s
    max_delivery_attempts: unlimited
    minimum_retry_time: 1h
    max_unacked_events: 500
    start_position: latest
    filter: {sources: [sales], service_nos: [0086400123, ""], release_reason_codes: [1]}
    backlog_limit: {age: 2d, bytes: 64MiB}
  - name: billing
)",
                                              "f", faults);
  EXPECT_THAT(faults, IsEmpty());
  std::map<std::string, std::string> values;
  for (const auto& [setting, value] : file.values) values[std::string(setting->name)] = value.value;
  EXPECT_EQ(values["store.retention.age"], "3d");
  EXPECT_EQ(values["store.retention.size"], "unlimited");
  EXPECT_EQ(values["acknowledge.subscriptions"], "crm,billing");
  ASSERT_EQ(file.subscriptions.size(), 2U);
  const v1::SubscriptionSpec& crm = file.subscriptions[0].spec;
  EXPECT_EQ(crm.filter().service_nos(0), "0086400123") << "a number of a phone is a text";
  EXPECT_EQ(crm.ack_deadline().seconds(), 45);
  EXPECT_TRUE(crm.has_unlimited_delivery_attempts());
  EXPECT_EQ(crm.backlog_limit().bytes(), 64 << 20);
  EXPECT_EQ(crm.start_position(), v1::START_POSITION_LATEST);
}

TEST(SettingsFileTest, AnEmptyFileIsFine) { EXPECT_THAT(FaultsOf("# nothing\n"), IsEmpty()); }

TEST(SettingsFileTest, EveryFaultNamesItsPlaceAndWhatIsExpected) {
  const struct {
    const char* text;
    const char* place;
    const char* expected;
  } kRows[] = {
      {"nonsense: 1", "f:1:1: nonsense", "no such setting"},
      {"http:\n  lissten: x", "f:2:3: http.lissten",
       "no such setting; did you mean listen? See onhookd --help"},
      {"store: {retension: {age: 3d}}", "f:1:9: store.retension", "did you mean retention?"},
      {"source: []", "f:1:1: source", "did you mean sources?"},
      {"sources: [{name: a, pth: /a}]", "f:1:21: sources[0].pth",
       "no such key; did you mean path? See onhookd --print-reference"},
      {"http: 5", "f:1:7: http", "must be a mapping"},
      {"http: {listen: [a]}", "f:1:16: http.listen", "HOST:PORT"},
      {"acknowledge: {timeout: 5}", "f:1:24: acknowledge.timeout", "unit"},
      {"admin: {allowed_networks: [10.0.0.0/8, 10.1.2.3/8]}",
       "f:1:40: admin.allowed_networks[1]: has bits set behind its prefix",
       "the network is 10.0.0.0/8; not \"10.1.2.3/8\""},
      {"admin: {allowed_networks: [nodes, ::1]}",
       "f:1:28: admin.allowed_networks[0]: ", "must be ADDRESS or ADDRESS/BITS"},
      {"admin: {allowed_networks: '::1,nodes'}",
       "f:1:27: admin.allowed_networks: its part \"nodes\" ", "must be ADDRESS or ADDRESS/BITS"},
      {"acknowledge: {subscriptions: [crm, C R M]}",
       "f:1:36: acknowledge.subscriptions[1]: ", "must be the name of a subscription"},
      {"acknowledge: {when: soon}", "f:1:21: acknowledge.when", "forwarded, stored or processed"},
      {"http: {listen: a:1}\nhttp: {listen: b:1}", "f:2:1: http", "is given twice, first at f:1:1"},
      {"subscriptions: [{name: a, name: b}]", "f:1:27: subscriptions[0].name",
       "is given twice, first at f:1:18"},
      {"[1, 2]", "f:1:1: settings", "mappings"},
      {"http: {listen", "f:1:", "is not closed"},
      {"subscriptions: crm", "f:1:16: subscriptions", "must be a sequence"},
      {"subscriptions:\n  - crm", "f:2:5: subscriptions[0]", "must be a mapping"},
      {"subscriptions: [{name: A}]", "f:1:24: subscriptions[0].name", "1 to 63 characters"},
      {"subscriptions: [{ack_deadline: 5s}]", "f:1:17: subscriptions[0].name",
       "1 to 63 characters"},
      {"subscriptions: [{name: a, color: red}]", "f:1:27: subscriptions[0].color", "no such key"},
      {"subscriptions: [{name: a, ack_deadline: 11m}]", "f:1:41: subscriptions[0].ack_deadline",
       "1 s to 10 min"},
      {"subscriptions: [{name: a, ack_deadline: 5}]", "f:1:41: subscriptions[0].ack_deadline",
       "unit"},
      {"subscriptions: [{name: a, max_delivery_attempts: many}]",
       "f:1:50: subscriptions[0].max_delivery_attempts", "whole number"},
      {"subscriptions: [{name: a, max_delivery_attempts: infinite}]",
       "f:1:50: subscriptions[0].max_delivery_attempts", "or the word unlimited"},
      {"subscriptions: [{name: a, filter: {sources: x}}]",
       "f:1:45: subscriptions[0].filter.sources", "must be a sequence"},
      {"subscriptions: [{name: a, expire_after_unused: 3d}]",
       "f:1:48: subscriptions[0].expire_after_unused", "never expire"},
      {"subscriptions:\n  - name: a\n    backlog_limit:\n      age: 999999999d",
       "f:4:12: subscriptions[0].backlog_limit.age", "1 s to 10 years"},
      {"subscriptions: [{name: a, max_delivery_attempts: \"20\"}]",
       "f:1:50: subscriptions[0].max_delivery_attempts", "without quotes"},
      {"subscriptions: [{name: a, max_unacked_events: !!str 20}]",
       "subscriptions[0].max_unacked_events", "whole number"},
      {"subscriptions:\n  - name: a\n  - name: a", "f:3:11: subscriptions[1].name",
       "a is declared twice"},
      {"http: {allow_unauthenticated: 'true'}", "f:1:31: http.allow_unauthenticated", "true|false"},
      {"http: {max_headers: \"50\"}", "f:1:21: http.max_headers", "without quotes"},
      {"http: {max_headers: 5}", "f:1:21: http.max_headers", "must be 10 to 1000"},
      {"http: {max_waiting_callbacks: half}", "f:1:31: http.max_waiting_callbacks",
       "or the word three-quarters"},
      {"store: {engine: memory}", "f:1:17: store.engine", "must be sqlite or jetstream"},
      {"store: {jetstream: {servers: [nats://a:1, b:2]}}", "f:1:43: store.jetstream.servers[1]",
       "must be nats://HOST:PORT"},
      {"store: {jetstream: {servers: []}}", "f:1:30: store.jetstream.servers",
       "must be nats://HOST:PORT"},
      {"store: {jetstream: {replicas: \"3\"}}", "f:1:31: store.jetstream.replicas",
       "without quotes"},
      {"store: {jetstream: {replicas: 2}}", "f:1:31: store.jetstream.replicas",
       "must be 1, 3 or 5"},
      {"store: {jetstream: {password: x}}", "f:1:21: store.jetstream.password", "no such setting"},
      {"store.directory: /a\nstore: {directory: /b}", "f:1:1: store.directory", "as mappings"},
      {"store: {retention.age: 1d}", "f:1:9: store.retention.age", "as mappings"},
      {"subscriptions:\n  - name: a\n    filter: {sources: [a\xff]}", "f:3:", "UTF-8"},
      {"a: 1\n---\nb: 2", "f:2:1", "more than one document"},
      // The parser gives this out as documents without end.
      {", a: 1", "f:1:1", "or what is part of none"},
      {"]", "f:1:1", "closes nothing"},
      {"{http: {}} , {}", "f:1:12: ", "part of none"},
      {"http: {listen: 'a:1'}\n---\n", "f:2:1: ", "more than one document"},
  };
  for (const auto& row : kRows) {
    const std::vector<std::string> faults = FaultsOf(row.text);
    ASSERT_FALSE(faults.empty()) << row.text;
    EXPECT_THAT(faults[0], HasSubstr(row.place)) << row.text;
    EXPECT_THAT(faults[0], HasSubstr(row.expected)) << row.text;
  }
}

TEST(SettingsFileTest, AValueThatIsWrongIsShown) {
  const struct {
    const char* text;
    const char* shown;
  } kRows[] = {
      {"http: {max_headers: 5}", "; not \"5\""},
      {"http: {listen: [a]}", "; not a sequence"},
      {"http: {listen: }", "; not nothing"},
      {"http: 5", "; not \"5\""},
      {"log: {level: \"a\\nb\"}", R"(; not "a\u000ab")"},
      {"sources: [{name: A, path: /a}]", "; not \"A\""},
      {"sources: [{path: /a}]", "; it is not given"},
      {"subscriptions: [{name: a, ack_deadline: 11m}]", "; not \"11m\""},
      {"subscriptions: [{name: a, max_unacked_events: 0}]", "; not \"0\""},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(FaultsOf(row.text), ElementsAre(EndsWith(row.shown))) << row.text;
  }
  const std::string long_value(5000, 'x');
  EXPECT_THAT(FaultsOf("log: {level: " + long_value + "}"), ElementsAre(SizeIs(Lt(200u))));
}

// Where the name of a file belongs somebody may have put the secret itself.
TEST(SettingsFileTest, WhatMayBeASecretIsNotShown) {
  for (const char* text :
       {"sources: [{name: a, path: /a, authentication: canary}]",
        "sources: [{name: a, path: /a, authentication: {shared_key: canary}}]",
        "sources: [{name: a, path: /a, authentication: {shared_key: {key_files: canary}}}]",
        "sources: [{name: a, path: /a, authentication: {bearer: {token_files: [canary, b, c]}}}]",
        "sources: [{name: a, path: /a, authentication: {basic: {username: u, password_files: "
        "[canary, canary]}}}]",
        "access: [{name: a, token_files: canary}]", "sources: canary", "access: [canary]"}) {
    EXPECT_THAT(FaultsOf(text), ElementsAre(Not(HasSubstr("canary")))) << text;
  }
}

TEST(SettingsFileTest, EveryFaultOfOneMappingIsTold) {
  EXPECT_THAT(
      FaultsOf("sources: [{name: A, path: x, time_zone: Mars, trusted_proxies: [0.0.0.0/0], "
               "authentication: {basic: {username: '', password_files: []}}}]"),
      UnorderedElementsAre(HasSubstr("[0].name"), HasSubstr("[0].path"), HasSubstr("[0].time_zone"),
                           HasSubstr("[0].trusted_proxies"), HasSubstr(".username"),
                           HasSubstr(".password_files")));
  EXPECT_THAT(FaultsOf("subscriptions: [{name: A, ack_deadline: 0s, max_unacked_events: 0, "
                       "max_delivery_attempts: 0, backlog_limit: {age: 0s}}]"),
              SizeIs(5));
  EXPECT_THAT(FaultsOf("access: [{name: A, certificate: '*', subscribe: [A], create: [B], "
                       "administer: [C]}]"),
              SizeIs(5));
}

TEST(SettingsFileTest, OneFaultOfAValueIsEnough) {
  EXPECT_THAT(FaultsOf("sources: [{name: [a], path: {}, time_zone: [UTC], allowed_networks: x}]"),
              SizeIs(4));
  EXPECT_THAT(FaultsOf("subscriptions: [{name: {}, start_position: [], ack_deadline: []}]"),
              SizeIs(3));
  EXPECT_THAT(FaultsOf("access: [{name: '', certificate: '', token_files: 5}]"), SizeIs(3));
}

TEST(SettingsFileTest, WhatIsNoYamlIsToldInOurWords) {
  const struct {
    const char* text;
    const char* fault;
  } kRows[] = {
      {"http: {listen: x\ngrpc: y\n", "f:2:5: a mapping that begins with {"},
      {"http: {a: 1", "is not closed"},
      {"access: [a: 1", "is not closed"},
      {"http:\n    a: 1\n  b: 2\n", "f:3:3: a key stands in another column"},
      {"http: a: b", "f:1:8: there is a colon where no key can be"},
      {"http: - a", "f:1:7: there is a dash"},
      {"http:\n\ta: 1\n", "f:2:1: a tab indents the line; write spaces"},
      {"http:\n  listen: x\n  \ttls:\n", "f:3:3: a tab indents the line"},
      {"sources:\n\t- name: a\n", "f:2:1: a tab indents the line"},
      {"http:\n\ta\n  b: c: d\n", "f:3:4: there is a colon"},
      {"http: @a", "f:1:7: a value begins with a character that it cannot"},
      {"http: \"\\q\"", "f:1:10: a text in double quotes holds a \\"},
      {"http: *nothing", "f:1:7: there is a * without its &"},
      {"http: 'a", "is not closed"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(FaultsOf(row.text), ElementsAre(HasSubstr(row.fault))) << row.text;
  }
}

// yaml-cpp would read another text than we look at.
TEST(SettingsFileTest, ATextOfWideCharactersIsNotRead) {
  EXPECT_THAT(FaultsOf(std::string("h\0t\0t\0p\0:\0 \0{\0}\0", 16)),
              ElementsAre(HasSubstr("UTF-8")));
  EXPECT_THAT(FaultsOf(std::string("http: {}\n#\0", 11)), ElementsAre(HasSubstr("f:2:1: ")));
}

TEST(SettingsFileTest, AllFaultsAreTold) {
  EXPECT_EQ(FaultsOf("a: 1\nb: 2\nhttp: {listen: x}").size(), 3U);
}

TEST(SettingsFileTest, AKeysControlCharactersAreEscapedInItsFault) {
  EXPECT_THAT(FaultsOf("\"a\\nb\\e[1m\": 1"),
              ElementsAre("f:1:1: a\\u000ab\\u001b[1m: no such setting; see onhookd --help"));
  EXPECT_THAT(FaultsOf("sources: [{\"a\\nb\": 1}]"),
              Contains("f:1:12: sources[0].a\\u000ab: no such key; see onhookd --print-reference"));
}

TEST(SettingsFileTest, AListThatAliasesMakeEndlesslyLongIsRefusedUnread) {
  std::string text = "subscriptions:\n  - name: a\n    filter: {sources: [x";
  for (int i = 0; i < 10000; ++i) text += ", x";
  EXPECT_THAT(FaultsOf(text + "]}"),
              ElementsAre("f:3:23: subscriptions[0].filter.sources: holds more than 10000"));
}

TEST(SettingsFileTest, AFileThatIsNotThereIsAFault) {
  std::vector<std::string> faults;
  ReadSettingsFile("/nonexistent/onhook.yaml", faults);
  EXPECT_THAT(
      faults,
      ElementsAre("/nonexistent/onhook.yaml: cannot be read: No such file or directory; must "
                  "be a file of settings in YAML that this user may read"));
}

TEST(SettingsFileTest, ADirectoryIsNoFileOfSettings) {
  std::vector<std::string> faults;
  ReadSettingsFile("/", faults);
  EXPECT_THAT(faults, ElementsAre(HasSubstr("/: cannot be read: it is a directory; must be")));
}

TEST(SettingsFileTest, AFileWithoutEndIsTooLarge) {
  std::vector<std::string> faults;
  ReadSettingsFile("/dev/zero", faults);
  EXPECT_THAT(faults, ElementsAre(HasSubstr("is larger than")));
}

TEST(SettingsFileTest, AQuoteThatIsNotClosedOnItsLineIsToldWithItsPlace) {
  for (const char* text :
       {"store:\n  directory: \"./x\nacknowledge:\n  when: processed\n",
        "store:\n  directory: './x\nlog: {level: debug}\n", "store:\n  directory: \"a \\\"\n"}) {
    std::vector<std::string> faults;
    ParseSettingsFile(text, "o.yaml", faults);
    ASSERT_EQ(faults.size(), 1U) << text;
    EXPECT_EQ(faults[0], "o.yaml:2:14: a quoted text must end on the line where it begins");
  }
  std::vector<std::string> faults;
  ParseSettingsFile("store: {directory: \"a \\\" b\"}\nlog:\n  'level': 'info'\n", "o.yaml",
                    faults);
  EXPECT_TRUE(faults.empty()) << faults[0];
  ParseSettingsFile("store: {directory: 'it''s'}\n", "o.yaml", faults);
  EXPECT_TRUE(faults.empty()) << faults[0];
}

}  // namespace
}  // namespace onhook
