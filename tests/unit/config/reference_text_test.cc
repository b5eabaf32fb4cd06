#include "gateway/config/reference_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_file.h"
#include "gateway/config/settings_members.h"
#include "gateway/config/settings_table.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(ReferenceTextTest, TheFileOfTheReferenceIsWhatTheCodeSays) {
  std::ifstream file(ONHOOK_SETTINGS_DOCUMENT);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, ReferenceText())
      << "write it again: onhookd --print-reference > gateway/config/SETTINGS.md";
}

TEST(ReferenceTextTest, EverySettingHasARowWithTheReasonForItsDefault) {
  const std::string text = ReferenceText();
  for (const Setting& setting : SettingsTable()) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("| `", setting.name, "`<br>`", setting.Flag(),
                                             "`<br>`", setting.Variable(), "` | ")));
    EXPECT_THAT(text, HasSubstr(absl::StrCat(setting.description, " | ", setting.reason, " | ",
                                             setting.reloads ? "at once" : "restart", " |\n")));
  }
}

TEST(ReferenceTextTest, EveryRowOfATableHasAsManyCellsAsItsHead) {
  size_t cells_of_head = 0;
  for (absl::string_view line : absl::StrSplit(ReferenceText(), '\n')) {
    if (!absl::StartsWith(line, "| ")) continue;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, " |");
    if (absl::StrContains(line, " | form | ")) cells_of_head = cells.size();
    EXPECT_EQ(cells.size(), cells_of_head) << line;
  }
}

// A file with nothing but `member`, a dotted path, in the first mapping of `list`.
std::string FileWith(absl::string_view list, absl::string_view member) {
  const std::vector<std::string> names = absl::StrSplit(member, '.');
  std::string text = absl::StrCat(list, ": [{");
  for (size_t i = 0; i + 1 < names.size(); ++i) absl::StrAppend(&text, names[i], ": {");
  absl::StrAppend(&text, names.back(), ": x", std::string(names.size(), '}'), "]");
  return text;
}

TEST(SettingsMembersTest, EveryMemberOfTheReferenceIsOneOfTheReader) {
  const std::pair<const char*, absl::Span<const SettingMember>> kLists[] = {
      {"sources", SourceMembers()},
      {"subscriptions", SubscriptionMembers()},
      {"access", IdentityMembers()}};
  for (const auto& [list, members] : kLists) {
    for (const SettingMember& member : members) {
      std::vector<std::string> faults;
      const std::string text = FileWith(list, member.name);
      const SettingsFile file = ParseSettingsFile(text, "f", faults);
      EXPECT_EQ(file.places.count(absl::StrCat(list, "[0].", member.name)), 1u) << text;
    }
  }
}

std::string WithoutIndex(std::string place) {
  place.erase(0, place.find("].") + 2);
  return place;
}

// The other way round: each value that the reader takes is in the reference, by itself or by the
// mapping that it is in.
TEST(SettingsMembersTest, EveryMemberThatAFileMayHoldIsInTheReference) {
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(R"(
sources:
  - {name: a, path: /a, path_token_file: t, authentication: {shared_key: {key_files: [k], replay_window: 1m, enforce: report}}, allowed_networks: [], trusted_proxies: [], time_zone: UTC, acknowledge: {when: stored, subscriptions: [], timeout: 1s}, answer: {always_200: true}}
  - {name: b, path: /b, authentication: {bearer: {token_files: [t]}}}
  - {name: c, path: /c, authentication: {basic: {username: u, password_files: [p]}}}
subscriptions:
  - {name: a, start_position: latest, filter: {sources: [a], service_nos: [a], release_reason_codes: [a]}, ack_deadline: 1m, max_delivery_attempts: 5, minimum_retry_time: 1m, max_unacked_events: 5, backlog_limit: {age: 1d, bytes: 1MiB}}
access:
  - {name: a, certificate: a.example.org, subscribe: [a], create: [a], administer: [a], watch: true, read_events: true, rejected_callbacks: true, see_numbers: true, monitor: true}
  - {name: b, token_files: [t], unix_socket: false}
)",
                                              "f", faults);
  EXPECT_TRUE(faults.empty()) << faults.front();
  std::set<std::string> documented;
  for (const SettingMember& member : SourceMembers()) documented.emplace(member.name);
  for (const SettingMember& member : SubscriptionMembers()) documented.emplace(member.name);
  for (const SettingMember& member : IdentityMembers()) documented.emplace(member.name);
  std::set<std::string> met;
  for (const auto& [place, where] : file.places) {
    if (!absl::StrContains(place, "].")) continue;
    const std::string member = WithoutIndex(place);
    const auto inside = documented.lower_bound(member + ".");
    const bool is_mapping = inside != documented.end() && absl::StartsWith(*inside, member + ".");
    EXPECT_TRUE(is_mapping || documented.count(member) == 1) << member;
    met.insert(member);
  }
  for (const std::string& member : documented) EXPECT_EQ(met.count(member), 1u) << member;
}

TEST(SettingsMembersTest, WhatNeedNotBeGivenHasAReasonForWhatThenHolds) {
  for (const auto members : {SourceMembers(), SubscriptionMembers(), IdentityMembers()}) {
    for (const SettingMember& member : members) {
      EXPECT_EQ(member.fallback.empty(), member.reason.empty()) << member.name;
      EXPECT_FALSE(member.description.empty()) << member.name;
    }
  }
}

std::string FallbackOf(absl::Span<const SettingMember> members, absl::string_view name) {
  for (const SettingMember& member : members) {
    if (member.name == name) return std::string(member.fallback);
  }
  ADD_FAILURE() << name;
  return "";
}

TEST(SettingsMembersTest, WhatTheReferenceSaysOfASubscriptionThatSaysNothingHolds) {
  std::string text = "subscriptions:\n  - name: says_nothing\n  - name: says_it\n";
  for (const char* member : {"start_position", "ack_deadline", "max_delivery_attempts",
                             "minimum_retry_time", "max_unacked_events"}) {
    absl::StrAppend(&text, "    ", member, ": ", FallbackOf(SubscriptionMembers(), member), "\n");
  }
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(text, "f", faults);
  ASSERT_EQ(file.subscriptions.size(), 2u) << faults.front();
  EXPECT_EQ(DifferenceOfSpecs(file.subscriptions[0].spec, file.subscriptions[1].spec), "");
  const SubscriptionRules rules = RulesOf(file.subscriptions[0].spec, /*declared=*/true);
  EXPECT_FALSE(rules.backlog_age || rules.backlog_bytes || rules.expire_after_unused);
}

TEST(SettingsMembersTest, WhatTheReferenceSaysOfASourceThatSaysNothingHolds) {
  const auto fallback = [](absl::string_view member) {
    return FallbackOf(SourceMembers(), member);
  };
  Settings::Source source;
  source.shared_key = Settings::Source::SharedKey();
  EXPECT_EQ(FormatDurationValue(source.shared_key->replay_window),
            fallback("authentication.shared_key.replay_window"));
  EXPECT_EQ(source.shared_key->enforce == Settings::Source::SharedKey::Enforce::kReject,
            fallback("authentication.shared_key.enforce") == "reject");
  EXPECT_EQ(source.time_zone, fallback("time_zone"));
  EXPECT_EQ(FormatBoolean(source.always_200), fallback("answer.always_200"));
  EXPECT_TRUE(source.allowed_networks.empty() && source.trusted_proxies.empty());
  EXPECT_TRUE(source.path_token_file.empty());
}

TEST(SettingsMembersTest, WhatTheReferenceSaysOfAnIdentityThatSaysNothingHolds) {
  std::string text = "access:\n  - {name: says_nothing, token_files: [a]}\n";
  absl::StrAppend(&text, "  - name: says_it\n    token_files: [b]\n");
  for (const SettingMember& member : IdentityMembers()) {
    if (member.fallback.empty() || member.fallback == "none" || member.name == "token_files") {
      continue;
    }
    absl::StrAppend(&text, "    ", member.name, ": ", member.fallback, "\n");
  }
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(text, "f", faults);
  ASSERT_EQ(file.access.size(), 2u) << faults.front();
  const Settings::Identity& a = file.access[0];
  const Settings::Identity& b = file.access[1];
  EXPECT_EQ(a.certificate, "");
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

}  // namespace
}  // namespace onhook
