#ifndef ONHOOK_GATEWAY_CONFIG_ACCESS_RULES_H_
#define ONHOOK_GATEWAY_CONFIG_ACCESS_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"

namespace onhook {

// What an identity may say: the one place that knows its bounds.
//
// Pure functions. Threads: any.

// Each may have two files, which are looked at every second.
inline constexpr size_t kMostIdentities = 1000;

// What is wrong with a member, and where.
struct IdentityFault {
  std::string member;       // its name; empty: the identity as a whole
  std::string description;  // completes "MEMBER ..."
};

// The members that are out of their bounds.
std::vector<IdentityFault> FindIdentityFaults(const Settings::Identity& identity);

// Why `identity` cannot stand beside `others`; nothing: it can. What somebody shows must be one
// identity's: names, certificates, files of tokens and the Unix-domain socket are given once.
std::optional<IdentityFault> FindIdentityConflict(const Settings::Identity& identity,
                                                  const std::vector<Settings::Identity>& others);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_ACCESS_RULES_H_
