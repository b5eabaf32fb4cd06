#include "gateway/config/address_rules.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

bool IsIpv6(const std::string& host) { return absl::StrContains(host, ':'); }
// Whether one who listens there takes connections for `host` too. That of IPv6 is of IPv4 as well.
bool TakesAllOf(const std::string& everywhere, const std::string& host) {
  return everywhere == "::" || (everywhere == "0.0.0.0" && !IsIpv6(host));
}

bool AreOneHost(std::string a, std::string b) {
  for (std::string* host : {&a, &b}) {
    absl::AsciiStrToLower(host);
    if (*host == "localhost") *host = "127.0.0.1";
  }
  return a == b || TakesAllOf(a, b) || TakesAllOf(b, a);
}

bool Collide(const std::string& a, const std::string& b) {
  const absl::StatusOr<HostPort> one = ParseHostPort(a);
  const absl::StatusOr<HostPort> other = ParseHostPort(b);
  // An address that is none is somebody else's fault to tell. Port 0 is another one each time.
  return one.ok() && other.ok() && one->port != 0 && one->port == other->port &&
         AreOneHost(one->host, other->host);
}

}  // namespace

std::vector<SettingFault> FindAddressFaults(const Settings& settings) {
  const std::pair<const char*, const std::string&> ports[] = {
      {"http.listen", settings.http.server.listen},
      {"grpc.listen", settings.grpc.server.listen},
      {"admin.listen", settings.admin.server.listen}};
  std::vector<SettingFault> faults;
  for (size_t later = 1; later < std::size(ports); ++later) {
    for (size_t first = 0; first < later; ++first) {
      if (!Collide(ports[first].second, ports[later].second)) continue;
      faults.push_back(
          {ports[later].first,
           absl::StrCat(ports[later].second, " is taken by ", ports[first].first, ", which is ",
                        ports[first].second, "; set another port, or port 0 for a free one")});
      break;
    }
  }
  return faults;
}

}  // namespace onhook
