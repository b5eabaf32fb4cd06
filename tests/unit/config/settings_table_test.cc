#include "gateway/config/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"

namespace onhook {
namespace {

const Setting& Named(absl::string_view name) {
  const auto table = SettingsTable();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Setting& setting) { return setting.name == name; });
  EXPECT_NE(row, table.end()) << name;
  return *row;
}

TEST(SettingsTableTest, ANameMakesItsFlagAndItsVariable) {
  EXPECT_EQ(Named("http.listen").Flag(), "--http-listen");
  EXPECT_EQ(Named("http.listen").Variable(), "ONHOOK_HTTP_LISTEN");
  EXPECT_EQ(Named("shutdown.drain_deadline").Flag(), "--shutdown-drain-deadline");
  EXPECT_EQ(Named("shutdown.drain_deadline").Variable(), "ONHOOK_SHUTDOWN_DRAIN_DEADLINE");
}

TEST(SettingsTableTest, NoTwoRowsShareAFlagOrAVariable) {
  std::set<std::string> names;
  for (const Setting& setting : SettingsTable()) {
    EXPECT_TRUE(names.insert(setting.Flag()).second) << setting.name;
    EXPECT_TRUE(names.insert(setting.Variable()).second) << setting.name;
  }
}

TEST(SettingsTableTest, NamesAreLowerCaseWordsInAGroup) {
  for (const Setting& setting : SettingsTable()) {
    const auto dots = std::count(setting.name.begin(), setting.name.end(), '.');
    EXPECT_TRUE(dots >= 1 && dots <= 3) << setting.name;
    for (const char c : setting.name) {
      EXPECT_TRUE(absl::ascii_islower(c) || c == '.' || c == '_') << setting.name;
    }
  }
}

TEST(SettingsTableTest, EveryRowIsDescribedInOneShortLine) {
  for (const Setting& setting : SettingsTable()) {
    EXPECT_FALSE(setting.form.empty()) << setting.name;
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    EXPECT_LE(setting.description.size(), 90u) << setting.name;
    EXPECT_EQ(setting.description.find('\n'), absl::string_view::npos) << setting.name;
    EXPECT_NE(setting.description.back(), '.') << setting.name;
  }
}

TEST(SettingsTableTest, EveryDefaultHasAReason) {
  for (const Setting& setting : SettingsTable()) {
    EXPECT_GE(setting.reason.size(), 20u) << setting.name;
    EXPECT_EQ(setting.reason.find_first_of("\n|"), absl::string_view::npos) << setting.name;
    EXPECT_NE(setting.reason.back(), '.') << setting.name;
  }
}

TEST(SettingsTableTest, GroupFollowsGroupInTheOrderInWhichTheyAreListed) {
  std::vector<absl::string_view> met;
  for (const Setting& setting : SettingsTable()) {
    if (met.empty() || met.back() != GroupOf(setting)) met.push_back(GroupOf(setting));
  }
  std::vector<absl::string_view> listed;
  for (const SettingGroup& group : SettingGroups()) listed.push_back(group.name);
  EXPECT_EQ(met, listed);
}

TEST(SettingsTableTest, EveryDefaultIsReadAsItIsWritten) {
  for (const Setting& setting : SettingsTable()) {
    Settings settings;
    const std::string text = setting.write(settings);
    EXPECT_TRUE(setting.read(text, settings).ok()) << setting.name;
    EXPECT_EQ(setting.write(settings), text) << setting.name;
  }
}

struct ValueCase {
  absl::string_view name;
  absl::string_view other;  // not the default
  absl::string_view wrong;
};

constexpr absl::string_view kZeroByte("a\0b", 3);
// 108 bytes: one more than a socket's path may have.
constexpr absl::string_view kLongSocketPath =
    "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789"
    "/123456789/1234567";

const ValueCase kValues[] = {
    {"http.listen", "0.0.0.0:80", "80"},
    {"http.allow_unauthenticated", "true", "yes"},
    {"http.max_body_bytes", "128KiB", "65536"},
    {"http.max_request_line_bytes", "16KiB", "65KiB"},
    {"http.max_header_bytes", "1KiB", "1023B"},
    {"http.max_headers", "10", "9"},
    {"http.max_head_bytes", "1MiB", "2MiB"},
    {"http.max_chunk_framing_bytes", "32KiB", "1000B"},
    {"http.max_linger_bytes", "64KiB", "1B"},
    {"http.head_timeout", "100ms", "99ms"},
    {"http.request_timeout", "5m", "6m"},
    {"http.idle_timeout", "1s", "0s"},
    {"http.write_timeout", "1s", "5"},
    {"http.linger_timeout", "2s", "1h"},
    {"http.max_connections", "4", "3"},
    {"http.max_connections_per_peer", "1", "0"},
    {"http.max_waiting_callbacks", "512", "half"},
    {"http.max_refusals", "1", "-1"},
    {"http.backlog", "65535", "65536"},
    {"http.tls.certificate_file", "tls.crt", kZeroByte},
    {"http.tls.key_file", "/run/tls.key", kZeroByte},
    {"callbacks.max_fields", "21", "20"},
    {"callbacks.max_nesting", "64", "65"},
    {"acknowledge.when", "processed", "settled"},
    {"acknowledge.timeout", "300ms", "300"},
    {"acknowledge.subscriptions", "crm,billing", "C R M"},
    {"store.engine", "jetstream", "memory"},
    {"store.directory", "/var/lib/onhook", ""},
    {"store.retention.age", "unlimited", "7"},
    {"store.retention.size", "1GiB", "many"},
    {"store.deduplication_window", "2d", "24"},
    {"store.dead_letters.age", "1h", "unlimitedly"},
    {"store.dead_letters.size", "unlimited", "0"},
    {"store.minimum_free_disk", "16MiB", "15MiB"},
    {"store.keep_raw_body", "true", "1"},
    {"store.memory_tail", "1MiB", "65GiB"},
    {"store.jetstream.servers", "tls://a.example:4222,tls://[::1]:4223", "a.example:4222"},
    {"store.jetstream.credentials_file", "onhook.creds", kZeroByte},
    {"store.jetstream.user", "onhook", "on\nhook"},
    {"store.jetstream.password_file", "password", kZeroByte},
    {"store.jetstream.tls.ca_file", "ca.crt", kZeroByte},
    {"store.jetstream.tls.certificate_file", "tls.crt", kZeroByte},
    {"store.jetstream.tls.key_file", "tls.key", kZeroByte},
    {"store.jetstream.stream", "Calls-2", "calls.2"},
    {"store.jetstream.subject_prefix", "tenant.calls", "tenant.*"},
    {"store.jetstream.replicas", "5", "2"},
    {"store.jetstream.servers_sync_always", "true", "always"},
    {"store.jetstream.ownership", "5m", "999ms"},
    {"store.jetstream.request_timeout", "100ms", "61s"},
    {"store.spool.directory", "/var/lib/onhook/spool", kZeroByte},
    {"store.spool.patience", "10ms", "9ms"},
    {"store.spool.max_events", "1000", "999"},
    {"quarantine.size", "1GiB", "unlimited"},
    {"quarantine.age", "1m", "59s"},
    {"quarantine.rate", "5", "0.5"},
    {"quarantine.burst", "1000000", "1000001"},
    {"grpc.listen", "[::1]:0", "::1"},
    {"grpc.allow_unauthenticated", "true", ""},
    {"grpc.max_streams", "1", "1 "},
    {"grpc.max_outstanding_events", "1000000", "1e3"},
    {"grpc.max_outstanding_bytes", "64KiB", "63KiB"},
    {"grpc.max_request_bytes", "64MiB", "65MiB"},
    {"grpc.max_requests_under_way", "1", "+1"},
    {"grpc.max_unanswered_bytes", "2MiB", "2"},
    {"grpc.max_dead_letter_changes", "1", ""},
    {"grpc.open_timeout", "5s", "50ms"},
    {"grpc.heartbeat_interval", "1s", "999ms"},
    {"grpc.stalled_after", "1h", "2h"},
    {"grpc.max_stream_age", "7d", "8d"},
    {"grpc.handover_time", "1s", "99ms"},
    {"grpc.max_connections", "4", "3"},
    {"grpc.max_connections_per_peer", "1", "0"},
    {"grpc.max_connections_per_identity", "32768", "32769"},
    {"grpc.max_streams_per_identity", "1", "0"},
    {"grpc.max_streams_per_connection", "10000", "10001"},
    {"grpc.handshake_timeout", "100ms", "99ms"},
    {"grpc.idle_timeout", "1d", "25h"},
    {"grpc.max_connection_age", "1m", "59s"},
    {"grpc.memory_quota", "16MiB", "15MiB"},
    {"grpc.max_metadata_bytes", "1KiB", "65KiB"},
    {"grpc.max_headers", "16", "15"},
    {"grpc.max_call_rate", "1", "0"},
    {"grpc.max_call_burst", "1000000", "1000001"},
    {"grpc.unix_socket", "/run/onhook/grpc", kLongSocketPath},
    {"grpc.unix_socket_mode", "0600", "660"},
    {"grpc.allow_cleartext", "true", "TRUE"},
    {"grpc.tls.certificate_file", "tls.crt", kZeroByte},
    {"grpc.tls.key_file", "tls.key", kZeroByte},
    {"grpc.tls.client_ca_file", "ca.crt", kZeroByte},
    {"grpc.tls.client_certificate", "optional", "no"},
    {"admin.listen", "localhost:1", "localhost"},
    {"admin.max_connections", "8", "1025"},
    {"admin.max_connections_per_peer", "8", "0"},
    {"admin.allowed_networks", "10.0.0.0/8,2001:db8::/32", "10.0.0.1/8"},
    {"admin.allow_unauthenticated", "true", "1"},
    {"admin.tls.certificate_file", "tls.crt", kZeroByte},
    {"admin.tls.key_file", "tls.key", kZeroByte},
    {"admin.tls.client_ca_file", "ca.crt", kZeroByte},
    {"admin.tls.client_certificate", "optional", "never"},
    {"log.level", "debug", "verbose"},
    {"shutdown.delay", "5s", "5"},
    {"shutdown.drain_deadline", "20s", "-1s"},
};

TEST(SettingsTableTest, EveryRowSetsItsOwnValueAndNoOther) {
  for (const ValueCase& row : kValues) {
    Settings settings;
    ASSERT_TRUE(Named(row.name).read(row.other, settings).ok()) << row.name;
    for (const Setting& setting : SettingsTable()) {
      EXPECT_EQ(setting.write(settings),
                setting.name == row.name ? std::string(row.other) : setting.write(Settings()))
          << row.name << " and " << setting.name;
    }
  }
}

TEST(SettingsTableTest, AWrongValueIsRefusedAndChangesNothing) {
  for (const ValueCase& row : kValues) {
    Settings settings;
    EXPECT_EQ(Named(row.name).read(row.wrong, settings).code(), absl::StatusCode::kInvalidArgument)
        << row.name;
    EXPECT_EQ(Named(row.name).write(settings), Named(row.name).write(Settings())) << row.name;
  }
}

TEST(SettingsTableTest, AValueOutOfItsBoundsIsToldThem) {
  Settings settings;
  EXPECT_EQ(Named("http.max_headers").read("1001", settings).message(), "must be 10 to 1000");
  EXPECT_EQ(Named("http.max_head_bytes").read("2MiB", settings).message(), "must be 1KiB to 1MiB");
  EXPECT_EQ(Named("http.head_timeout").read("6m", settings).message(), "must be 100ms to 5m");
  EXPECT_EQ(Named("http.max_waiting_callbacks").read("0", settings).message(),
            "must be 1 to 32768; or the word three-quarters");
  EXPECT_EQ(Named("store.retention.size").bounds, "");
}

TEST(SettingsTableTest, WhatMayWaitIsThreeQuartersUnlessANumberIsGiven) {
  const Setting& waiting = Named("http.max_waiting_callbacks");
  Settings settings;
  EXPECT_EQ(waiting.write(settings), "three-quarters");
  ASSERT_TRUE(waiting.read("7", settings).ok());
  EXPECT_EQ(settings.http.max_waiting_callbacks, 7);
  ASSERT_TRUE(waiting.read("three-quarters", settings).ok());
  EXPECT_EQ(settings.http.max_waiting_callbacks, std::nullopt);
}

TEST(SettingsTableTest, PermissionsOfAFileAreOctal) {
  const Setting& mode = Named("grpc.unix_socket_mode");
  Settings settings;
  EXPECT_EQ(mode.write(settings), "0660");
  ASSERT_TRUE(mode.read("0777", settings).ok());
  EXPECT_EQ(settings.grpc.server.unix_socket_mode, 0777);
  for (const char* text : {"", "0", "777", "1777", "0o77", "0880", "00660", "-660"}) {
    EXPECT_FALSE(mode.read(text, settings).ok()) << text;
  }
}

TEST(SettingsTableTest, ASocketsPathIsAbsolute) {
  Settings settings;
  EXPECT_TRUE(Named("grpc.unix_socket").read("/run/s", settings).ok());
  EXPECT_TRUE(Named("grpc.unix_socket").read("", settings).ok());
  EXPECT_FALSE(Named("grpc.unix_socket").read("run/s", settings).ok());
}

TEST(SettingsTableTest, ASocketsPathIsNoLongerThanTheSystemTakes) {
  ASSERT_EQ(kLongSocketPath.size(), 108u);
  Settings settings;
  EXPECT_TRUE(Named("grpc.unix_socket").read(kLongSocketPath.substr(0, 107), settings).ok());
}

TEST(SettingsTableTest, AServerOfNatsIsToldHowItIsSpokenToAndNoSecret) {
  const Setting& servers = Named("store.jetstream.servers");
  Settings settings;
  for (const char* text :
       {"", "nats://", "nats://a", "nats://a:0", "nats://a:65536", "http://a:1", "nats:a:1",
        "nats://a:1/", "nats://a:1,", ",nats://a:1", "nats://a:1, nats://b:1"}) {
    EXPECT_THAT(servers.read(text, settings).message(),
                ::testing::HasSubstr("must be nats://HOST:PORT or tls://HOST:PORT"))
        << text;
  }
  EXPECT_THAT(servers.read("nats://onhook:secret@a:1", settings).message(),
              ::testing::HasSubstr("no user and no password"));
}

TEST(SettingsTableTest, AStreamIsNamedSoThatItCanBeAFolderAndATokenOfASubject) {
  Settings settings;
  for (const char* text : {"", "a.b", "a*", "a>", "a b", "a/b", "$JS", "\xc3\xa4"}) {
    EXPECT_FALSE(Named("store.jetstream.stream").read(text, settings).ok()) << text;
  }
  for (const char* text : {"", ".", "a.", ".a", "a..b", "a.>", "$SYS.a", "a b"}) {
    EXPECT_FALSE(Named("store.jetstream.subject_prefix").read(text, settings).ok()) << text;
  }
  const std::string long_name(64, 'a');
  for (const char* name : {"store.jetstream.stream", "store.jetstream.subject_prefix"}) {
    EXPECT_TRUE(Named(name).read(long_name, settings).ok()) << name;
    EXPECT_FALSE(Named(name).read(long_name + "a", settings).ok()) << name;
  }
}

TEST(SettingsTableTest, WhatIsSeveralIsAListInAFile) {
  for (const Setting& setting : SettingsTable()) {
    EXPECT_EQ(setting.is_list(), setting.name == "acknowledge.subscriptions" ||
                                     setting.name == "admin.allowed_networks" ||
                                     setting.name == "store.jetstream.servers")
        << setting.name;
  }
}

TEST(SettingsTableTest, TheseTestsKnowEveryRow) {
  EXPECT_EQ(SettingsTable().size(), std::size(kValues));
}

}  // namespace
}  // namespace onhook
