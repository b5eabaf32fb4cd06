#include "gateway/config/access_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/config/source_rules.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

constexpr size_t kLongestUri = 2048;  // as SPIFFE has it
constexpr size_t kLongestDnsName = 253;
constexpr size_t kMostPatterns = 256;
constexpr size_t kLongestName = 63;  // of a subscription
constexpr size_t kMostStars = 16;

using Fault = std::optional<IdentityFault>;

bool IsUri(absl::string_view certificate) { return absl::StrContains(certificate, ':'); }

std::optional<std::string> FindUriFault(absl::string_view uri) {
  const absl::string_view scheme = uri.substr(0, uri.find(':'));
  const bool has_scheme = !scheme.empty() && absl::ascii_isalpha(scheme[0]) &&
                          std::all_of(scheme.begin(), scheme.end(), [](char c) {
                            return absl::ascii_isalnum(c) || c == '+' || c == '.' || c == '-';
                          });
  const bool printable = std::all_of(uri.begin(), uri.end(), absl::ascii_isgraph);
  if (uri.size() <= kLongestUri && has_scheme && scheme.size() + 1 < uri.size() && printable) {
    return std::nullopt;
  }
  return absl::StrCat("must be a URI of up to ", kLongestUri,
                      " characters, for instance spiffe://example.org/crm");
}

std::optional<std::string> FindDnsNameFault(absl::string_view name) {
  const auto is_character = [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  };
  const std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  const bool has_empty_label =
      std::any_of(labels.begin(), labels.end(), [](absl::string_view l) { return l.empty(); });
  const bool is_address = std::none_of(name.begin(), name.end(), absl::ascii_isalpha);
  if (name.size() <= kLongestDnsName && !has_empty_label && !is_address &&
      std::all_of(name.begin(), name.end(), is_character)) {
    return std::nullopt;
  }
  return "must be a URI or a DNS name that the certificate holds as a subject alternative name, "
         "for instance spiffe://example.org/crm or crm.example.org";
}

Fault FindCertificateFault(const std::string& certificate) {
  // Otherwise one who means all of a kind would be surprised that nobody gets in.
  if (absl::StrContains(certificate, '*')) {
    return IdentityFault{"certificate",
                         "is compared as it stands: * stands for no other text here"};
  }
  const std::optional<std::string> fault =
      IsUri(certificate) ? FindUriFault(certificate) : FindDnsNameFault(certificate);
  if (fault.has_value()) return IdentityFault{"certificate", *fault};
  return std::nullopt;
}

Fault FindRecognitionFault(const Settings::Identity& identity) {
  const int ways = (identity.certificate.empty() ? 0 : 1) + (identity.token_files.empty() ? 0 : 1) +
                   (identity.unix_socket ? 1 : 0);
  if (ways != 1) {
    return IdentityFault{"",
                         "must be recognised by exactly one of certificate, token_files and "
                         "unix_socket: true"};
  }
  if (!identity.certificate.empty()) return FindCertificateFault(identity.certificate);
  if (identity.token_files.empty()) return std::nullopt;
  const std::optional<std::string> fault = FindSecretFilesFault(identity.token_files);
  if (fault.has_value()) return IdentityFault{"token_files", *fault};
  return std::nullopt;
}

// Whether some name of a subscription is one that `pattern` stands for.
bool CanMatch(absl::string_view pattern) {
  const auto is_character = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.' ||
           c == '*';
  };
  const size_t stars = static_cast<size_t>(std::count(pattern.begin(), pattern.end(), '*'));
  return !pattern.empty() && stars <= kMostStars && pattern.size() - stars <= kLongestName &&
         std::all_of(pattern.begin(), pattern.end(), is_character) &&
         (pattern[0] == '*' || absl::ascii_isalnum(pattern[0]));
}

Fault FindPatternsFault(const char* member, const std::vector<std::string>& patterns) {
  if (patterns.size() > kMostPatterns) {
    return IdentityFault{member, absl::StrCat("holds more than ", kMostPatterns)};
  }
  if (std::all_of(patterns.begin(), patterns.end(), CanMatch)) return std::nullopt;
  return IdentityFault{member,
                       "must hold names of subscriptions, 1 to 63 characters of a-z 0-9 - _ . that "
                       "begin with a letter or digit, in which * stands for any characters"};
}

bool IsSameCertificate(const std::string& a, const std::string& b) {
  return IsUri(a) ? a == b : absl::EqualsIgnoreCase(a, b);
}

Fault FindNameFault(const std::string& name) {
  if (CheckSubscriptionName(name).ok()) return std::nullopt;
  return IdentityFault{"name",
                       "must be 1 to 63 characters of a-z 0-9 - _ . and begin with a letter or "
                       "digit"};
}

}  // namespace

std::vector<IdentityFault> FindIdentityFaults(const Settings::Identity& identity) {
  std::vector<IdentityFault> faults;
  for (Fault fault : {FindNameFault(identity.name), FindRecognitionFault(identity),
                      FindPatternsFault("subscribe", identity.subscribe),
                      FindPatternsFault("create", identity.create),
                      FindPatternsFault("administer", identity.administer)}) {
    if (fault.has_value()) faults.push_back(*std::move(fault));
  }
  return faults;
}

std::optional<IdentityFault> FindIdentityConflict(const Settings::Identity& identity,
                                                  const std::vector<Settings::Identity>& others) {
  for (const Settings::Identity& other : others) {
    if (other.name == identity.name) {
      return IdentityFault{"name", absl::StrCat(identity.name, " is the name of two identities")};
    }
    const std::string too = absl::StrCat("of identity ", other.name, " too");
    if (!identity.certificate.empty() &&
        IsSameCertificate(identity.certificate, other.certificate)) {
      return IdentityFault{"certificate", absl::StrCat("is that ", too)};
    }
    if (identity.unix_socket && other.unix_socket) {
      return IdentityFault{"unix_socket",
                           absl::StrCat("is ", too, ": whoever comes through it is one identity")};
    }
    for (const std::string& file : identity.token_files) {
      if (std::count(other.token_files.begin(), other.token_files.end(), file) > 0) {
        return IdentityFault{"token_files", absl::StrCat("names a file ", too)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace onhook
