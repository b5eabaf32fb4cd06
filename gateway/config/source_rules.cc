#include "gateway/config/source_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

constexpr size_t kLongestPath = 512;
constexpr size_t kLongestUsername = 128;
constexpr size_t kLongestTimeZone = 64;
// A load balancer's ranges are some dozens.
constexpr size_t kMostNetworks = 256;
constexpr size_t kMostLiveSecrets = 2;  // the current one, and the previous or the next
constexpr absl::Duration kShortestReplayWindow = absl::Seconds(1);
constexpr absl::Duration kLongestReplayWindow = absl::Hours(24);

using Fault = std::optional<SourceFault>;
using Faults = std::vector<SourceFault>;

// Names of sources and of subscriptions look alike: both are labels and parts of calls.
Fault FindNameFault(const std::string& name) {
  if (CheckSubscriptionName(name).ok()) return std::nullopt;
  return SourceFault{"name",
                     "must be 1 to 63 characters of a-z 0-9 - _ . and begin with a letter or "
                     "digit"};
}

// The vendor's URLs may hold these, and # ? & that end a path.
bool IsPathCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '-' || c == ':' || c == '.' || c == '_' || c == '/';
}

Fault FindPathFault(absl::string_view path) {
  if (path.size() > kLongestPath) {
    return SourceFault{"path", absl::StrCat("has more than ", kLongestPath, " characters")};
  }
  const absl::string_view whole = path;
  if (!absl::ConsumePrefix(&path, "/")) return SourceFault{"path", "must begin with /"};
  if (!std::all_of(whole.begin(), whole.end(), IsPathCharacter)) {
    return SourceFault{"path", "may hold a-z A-Z 0-9 - : . _ / only, as the vendor's URLs do"};
  }
  for (const absl::string_view segment : absl::StrSplit(path, '/')) {
    if (segment.empty()) {
      return SourceFault{"path", "must hold no empty segment, nor end with /"};
    }
    if (segment == "." || segment == "..") {
      return SourceFault{"path", "must hold no segment \".\" or \"..\""};
    }
  }
  return std::nullopt;
}

Fault FindFilesFault(const std::string& member, const std::vector<std::string>& files) {
  const std::optional<std::string> fault = FindSecretFilesFault(files);
  if (!fault.has_value()) return std::nullopt;
  return SourceFault{member, *fault};
}

Fault FindUsernameFault(absl::string_view username) {
  const bool printable = std::none_of(username.begin(), username.end(), absl::ascii_iscntrl);
  if (!username.empty() && username.size() <= kLongestUsername && printable &&
      !absl::StrContains(username, ':')) {
    return std::nullopt;
  }
  return SourceFault{"authentication.basic.username",
                     absl::StrCat("must be 1 to ", kLongestUsername,
                                  " bytes without colons and control characters")};
}

Faults FindAuthenticationFaults(const Settings::Source& source) {
  Faults faults;
  const auto add = [&faults](Fault fault) {
    if (fault.has_value()) faults.push_back(*std::move(fault));
  };
  const int kinds = (source.shared_key ? 1 : 0) + (source.bearer ? 1 : 0) + (source.basic ? 1 : 0);
  if (kinds > 1) add(SourceFault{"authentication", "must be one of shared_key, bearer and basic"});
  if (source.bearer) {
    add(FindFilesFault("authentication.bearer.token_files", source.bearer->token_files));
  }
  if (source.basic) {
    add(FindUsernameFault(source.basic->username));
    add(FindFilesFault("authentication.basic.password_files", source.basic->password_files));
  }
  if (!source.shared_key) return faults;
  const absl::Duration window = source.shared_key->replay_window;
  if (window != absl::ZeroDuration() &&
      (window < kShortestReplayWindow || window > kLongestReplayWindow)) {
    add(SourceFault{"authentication.shared_key.replay_window",
                    "must be 1s to 24h, or 0s for none"});
  }
  add(FindFilesFault("authentication.shared_key.key_files", source.shared_key->key_files));
  return faults;
}

Fault FindNetworksFault(const std::string& member, const std::vector<IpNetwork>& networks) {
  if (networks.size() <= kMostNetworks) return std::nullopt;
  return SourceFault{member, absl::StrCat("holds more than ", kMostNetworks)};
}

Fault FindTimeZoneFault(const std::string& name) {
  // The library opens what it is given as a file below the system's zones.
  const auto is_character = [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '/';
  };
  absl::TimeZone zone;
  if (!name.empty() && name.size() <= kLongestTimeZone && name[0] != '/' &&
      std::all_of(name.begin(), name.end(), is_character) && absl::LoadTimeZone(name, &zone)) {
    return std::nullopt;
  }
  return SourceFault{"time_zone",
                     "must be the IANA name of a time zone that this machine knows, for instance "
                     "Asia/Shanghai; else see that the package tzdata is installed"};
}

// Whether `path` is `base` with one segment more.
bool IsOneSegmentBelow(absl::string_view path, absl::string_view base) {
  return absl::ConsumePrefix(&path, base) && absl::ConsumePrefix(&path, "/") &&
         !absl::StrContains(path, '/');
}

// Whether a callback for `open` could be meant for `secret`, with a wrong token.
bool MayBeTaken(const Settings::Source& open, const Settings::Source& secret) {
  return open.path_token_file.empty() && !secret.path_token_file.empty() &&
         IsOneSegmentBelow(open.path, secret.path);
}

}  // namespace

std::optional<std::string> FindSecretFilesFault(const std::vector<std::string>& files) {
  if (files.empty() || files.size() > kMostLiveSecrets) {
    return "must name one file, or two while the secret changes";
  }
  for (const std::string& file : files) {
    if (file.empty() || absl::StrContains(file, '\0')) return "must hold paths of files";
  }
  if (files.size() == 2 && files[0] == files[1]) return "names one file twice";
  return std::nullopt;
}

std::vector<SourceFault> FindSourceFaults(const Settings::Source& source) {
  Faults faults = FindAuthenticationFaults(source);
  for (Fault fault : {FindNameFault(source.name), FindPathFault(source.path),
                      FindNetworksFault("allowed_networks", source.allowed_networks),
                      FindNetworksFault("trusted_proxies", source.trusted_proxies),
                      FindTimeZoneFault(source.time_zone)}) {
    if (fault.has_value()) faults.push_back(*std::move(fault));
  }
  const bool trusts_everybody =
      std::any_of(source.trusted_proxies.begin(), source.trusted_proxies.end(),
                  [](const IpNetwork& proxies) { return proxies.is_everything(); });
  if (trusts_everybody) {
    faults.push_back(
        {"trusted_proxies", "holds every address: anybody could say where a request comes from"});
  }
  return faults;
}

std::optional<SourceFault> FindSourceConflict(const Settings::Source& source,
                                              const std::vector<Settings::Source>& others) {
  for (const Settings::Source& other : others) {
    if (other.name == source.name) {
      return SourceFault{"name", absl::StrCat(source.name, " is the name of two sources")};
    }
    if (other.path == source.path) {
      return SourceFault{"path", absl::StrCat("is the path of source ", other.name, " too")};
    }
    if (MayBeTaken(source, other) || MayBeTaken(other, source)) {
      return SourceFault{"path", absl::StrCat("and that of source ", other.name,
                                              " are ambiguous: one is the other with a segment "
                                              "more, which may be its secret token")};
    }
  }
  return std::nullopt;
}

}  // namespace onhook
