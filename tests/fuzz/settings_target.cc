// A file of settings: whatever it holds, a fault says where it is.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/config/access_rules.h"
#include "gateway/config/config_text.h"
#include "gateway/config/settings_check.h"
#include "gateway/config/settings_file.h"
#include "gateway/config/settings_table.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

constexpr char kName[] = "file.yaml";

// The longest escape sequence of YAML: where one is cut off by the file's end, the parser names the
// place where it would have ended.
constexpr size_t kLongestEscape = 10;

// "file.yaml:LINE:COLUMN", both from 1 and within the file or at its end.
void CheckPlace(absl::string_view place, absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(place, absl::MaxSplits(':', 3));
  FUZZ_CHECK(parts.size() >= 3);
  FUZZ_CHECK(parts[0] == kName);
  size_t line = 0;
  size_t column = 0;
  FUZZ_CHECK(absl::SimpleAtoi(parts[1], &line));
  FUZZ_CHECK(absl::SimpleAtoi(parts[2], &column));
  FUZZ_CHECK(line >= 1 && line <= text.size() + 1);
  FUZZ_CHECK(column >= 1 && column <= text.size() + kLongestEscape);
}

// Whoever is in a list that was taken can be told from the others, and the list, as it is printed,
// is read as the same.
void CheckAccess(const std::vector<Settings::Identity>& access) {
  std::vector<Settings::Identity> before;
  for (const Settings::Identity& identity : access) {
    FUZZ_CHECK(FindIdentityFaults(identity).empty());
    FUZZ_CHECK(!FindIdentityConflict(identity, before).has_value());
    before.push_back(identity);
  }
  Settings settings;
  settings.sources.clear();
  settings.access = access;
  const std::string printed = ConfigText({}, settings, {});
  // A list without sources is none, so that one fault is there.
  std::vector<std::string> faults;
  Settings again;
  again.sources.clear();
  again.access = ParseSettingsFile(printed, kName, faults).access;
  FUZZ_CHECK(ConfigText({}, again, {}) == printed);
  // Whatever it says beside other settings is judged, and not more.
  CheckSettings(settings);
}

void RunOne(absl::string_view text) {
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(text, kName, faults);
  for (const std::string& fault : faults) {
    CheckPlace(fault, text);
    const std::vector<std::string> parts = absl::StrSplit(fault, absl::MaxSplits(": ", 1));
    FUZZ_CHECK(parts.size() == 2 && !parts[1].empty());
  }
  for (const auto& [key, place] : file.places) CheckPlace(place, text);
  CheckAccess(file.access);
  for (const auto& [setting, value] : file.values) {
    CheckPlace(value.origin, text);
    // What was taken can be set, and then be shown and set again.
    Settings settings;
    FUZZ_CHECK(setting->read(value.value, settings).ok());
    const std::string shown = setting->write(settings);
    FUZZ_CHECK(setting->read(shown, settings).ok());
    FUZZ_CHECK(setting->write(settings) == shown);
  }
}

// `setting` with its default, as nested mappings.
std::string AsYaml(const Setting& setting) {
  std::string yaml;
  std::string indent;
  const std::vector<std::string> groups = absl::StrSplit(setting.name, '.');
  for (const std::string& group : groups) {
    absl::StrAppend(&yaml, yaml.empty() ? "" : "\n", indent, group, ":");
    indent += "  ";
  }
  return absl::StrCat(yaml, " ", setting.write(Settings()), "\n");
}

}  // namespace

// Of the bodies too: JSON is YAML, and the Java map nearly.
std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = bodies;
  for (const Setting& setting : SettingsTable()) seeds.push_back(AsYaml(setting));
  seeds.emplace_back(
      "subscriptions:\n"
      "  - name: crm\n    ack_deadline: 45s\n    max_delivery_attempts: unlimited\n"
      "    minimum_retry_time: 1h\n    max_unacked_events: 500\n    start_position: latest\n"
      "    filter: {sources: [sales], service_nos: [0086400123, \"\"]}\n"
      "    backlog_limit: {age: 2d, bytes: 64MiB}\n  - &b {name: b, filter: *b}\n");
  seeds.emplace_back(
      "sources:\n"
      "  - name: sales\n    path: /hangups\n    path_token_file: /run/token\n"
      "    authentication: {shared_key: {key_files: [a, b], replay_window: 0s, enforce: report}}\n"
      "    allowed_networks: [198.51.100.0/24, '2001:db8::/32']\n    trusted_proxies: [10.0.0.1]\n"
      "    time_zone: Europe/Berlin\n    answer: {always_200: true}\n"
      "    acknowledge: {when: processed, subscriptions: [crm], timeout: 2s}\n"
      "  - {name: b, path: /b, authentication: {bearer: {token_files: [t]}}}\n"
      "  - {name: c, path: /c, authentication: {basic: {username: u, password_files: [p]}}}\n"
      "  - {name: d, path: /d, authentication: none}\n");
  seeds.emplace_back(
      "access:\n"
      "  - name: crm\n    certificate: spiffe://example.org/crm\n    subscribe: [crm, \"crm-*\"]\n"
      "    create: [b]\n    administer: [\"*\"]\n    watch: true\n    read_events: true\n"
      "    rejected_callbacks: true\n    see_numbers: false\n    monitor: true\n"
      "  - {name: operator, token_files: [current, previous]}\n"
      "  - {name: host, certificate: Crm.example.org}\n  - {name: sidecar, unix_socket: true}\n");
  seeds.emplace_back(
      "admin: {allowed_networks: [10.0.0.0/8, '::1'], tls: {client_certificate: optional}}\n"
      "grpc: {unix_socket: s, unix_socket_mode: 0600, tls: {client_ca_file: ca}}\n");
  seeds.emplace_back("http: {listen: 'a:1'}\n---\nhttp: !!str \"x\n");
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
