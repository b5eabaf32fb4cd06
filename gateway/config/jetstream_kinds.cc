#include "gateway/config/jetstream_kinds.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

// What hangs behind it, "_REJECTED" or a consumer's name, has room still.
constexpr size_t kLongestName = 64;
constexpr size_t kLongestUser = 256;
constexpr size_t kMostServers = 32;

// A token of a subject, and a folder's name on a server's disk.
bool IsWord(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

absl::StatusOr<std::vector<std::string>> ParseServers(absl::string_view text) {
  std::vector<std::string> servers = absl::StrSplit(text, ',');
  for (const std::string& server : servers) {
    const absl::StatusOr<NatsServer> parsed = ParseNatsServer(server);
    if (!parsed.ok()) return parsed.status();
  }
  if (servers.size() <= kMostServers) return servers;
  return absl::InvalidArgumentError(absl::StrCat("must be ", kMostServers, " servers at most"));
}

absl::StatusOr<std::string> ParseStreamName(absl::string_view text) {
  if (IsWord(text) && text.size() <= kLongestName) return std::string(text);
  return absl::InvalidArgumentError(
      absl::StrCat("must be 1 to ", kLongestName, " letters, digits, - or _"));
}

absl::StatusOr<std::string> ParseSubjectPrefix(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, '.');
  if (text.size() <= kLongestName && std::all_of(words.begin(), words.end(), IsWord)) {
    return std::string(text);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be words of letters, digits, - and _ with dots between them, ",
                   kLongestName, " characters at most"));
}

absl::StatusOr<int> ParseReplicas(absl::string_view text) {
  const absl::StatusOr<int64_t> number = ParseWholeNumber(text);
  if (number.ok() && (*number == 1 || *number == 3 || *number == 5)) {
    return static_cast<int>(*number);
  }
  return absl::InvalidArgumentError("must be 1, 3 or 5");
}

absl::StatusOr<std::string> ParseUser(absl::string_view text) {
  const bool is_line = std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (is_line && text.size() <= kLongestUser && IsValidUtf8(text)) return std::string(text);
  return absl::InvalidArgumentError(
      absl::StrCat("must be one line of at most ", kLongestUser, " bytes"));
}

std::string AsItIs(const std::string& text) { return text; }

}  // namespace

absl::StatusOr<NatsServer> ParseNatsServer(absl::string_view text) {
  NatsServer server;
  absl::string_view address = text;
  server.is_tls = absl::ConsumePrefix(&address, "tls://");
  const bool has_scheme = server.is_tls || absl::ConsumePrefix(&address, "nats://");
  if (absl::StrContains(address, '@')) {
    return absl::InvalidArgumentError(
        "must hold no user and no password; store.jetstream.user and password_file name them");
  }
  const absl::StatusOr<HostPort> parsed = ParseHostPort(address);
  if (!has_scheme || !parsed.ok() || parsed->port == 0 || absl::StrContains(address, '/')) {
    return absl::InvalidArgumentError("must be nats://HOST:PORT or tls://HOST:PORT");
  }
  server.address = *parsed;
  return server;
}

Kind<std::vector<std::string>> NatsServersKind() {
  return {"NATS-URL,...", ParseServers,
          [](const std::vector<std::string>& servers) { return absl::StrJoin(servers, ","); }, "",
          false};
}
Kind<std::string> StreamNameKind() { return {"STREAM", ParseStreamName, AsItIs, "", false}; }
Kind<std::string> SubjectPrefixKind() { return {"SUBJECT", ParseSubjectPrefix, AsItIs, "", false}; }
Kind<int> ReplicasKind() {
  return {"1|3|5", ParseReplicas, [](int replicas) { return absl::StrCat(replicas); }, "", true};
}
Kind<std::string> UserKind() { return {"LINE", ParseUser, AsItIs, "", false}; }

}  // namespace onhook
