#include "clients/cpp/server_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cpp/grpc_status.h"

namespace onhook::client {
namespace {

constexpr uint32_t kLoopbackNetwork = 127;

bool IsPort(absl::string_view text) {
  uint32_t port = 0;
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &port) && port > 0 && port <= UINT16_MAX;
}

}  // namespace

bool ServerAddress::is_local() const {
  if (is_unix() || absl::EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == kLoopbackNetwork;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::StatusOr<ServerAddress> ParseServerAddress(absl::string_view text) {
  ServerAddress address;
  address.text = std::string(text);
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    // unix:///path says the same.
    absl::ConsumePrefix(&rest, "//");
    address.unix_path = std::string(rest);
    if (!rest.empty()) return address;
  }
  const size_t colon = text.rfind(':');
  if (!address.is_unix() && colon != absl::string_view::npos) {
    absl::string_view host = text.substr(0, colon);
    const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
    const bool unambiguous = bracketed || !absl::StrContains(host, ':');
    if (!host.empty() && unambiguous && IsPort(text.substr(colon + 1))) {
      address.host = std::string(host);
      address.port = std::string(text.substr(colon + 1));
      return address;
    }
  }
  return LocalError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the server's address '", text, "' is neither HOST:PORT nor unix:/path"),
      "SERVER_ADDRESS");
}

}  // namespace onhook::client
