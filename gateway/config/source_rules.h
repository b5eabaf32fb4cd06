#ifndef ONHOOK_GATEWAY_CONFIG_SOURCE_RULES_H_
#define ONHOOK_GATEWAY_CONFIG_SOURCE_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"

namespace onhook {

// What a source may say: the one place that knows its bounds.
//
// Pure functions, but that a time zone is looked up in the system's files. Threads: any.

// Each has a path, a metric label and perhaps open files of its own; a gateway serves a handful.
inline constexpr size_t kMostSources = 100;

// What is wrong with a member, and where.
struct SourceFault {
  std::string member;       // its path within the source, "authentication.shared_key.key_files"
  std::string description;  // completes "MEMBER ...", without repeating a secret
};

// The members that are out of their bounds. `acknowledge` depends on other settings and is looked
// at in CheckSettings.
std::vector<SourceFault> FindSourceFaults(const Settings::Source& source);

// Why `source` cannot stand beside `others`; nothing: it can. A callback must belong to one source:
// names and paths are given once, and a path must not be what another one's path is with a token.
std::optional<SourceFault> FindSourceConflict(const Settings::Source& source,
                                              const std::vector<Settings::Source>& others);

// What is wrong with the files of a secret, of which there are two while it changes; nothing: they
// will do. Completes "MEMBER ...".
std::optional<std::string> FindSecretFilesFault(const std::vector<std::string>& files);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SOURCE_RULES_H_
