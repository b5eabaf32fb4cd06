#ifndef ONHOOK_GATEWAY_CONFIG_DECLARED_SOURCE_H_
#define ONHOOK_GATEWAY_CONFIG_DECLARED_SOURCE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/config/settings.h"

namespace onhook {

// A source as a file gives it: `source.acknowledge` is not set yet, because what the file leaves
// open of it is as for all sources, which flags and variables may still change.
struct DeclaredSource {
  Settings::Source source;
  // The members of `acknowledge` that the source gives itself.
  std::optional<Settings::Acknowledge::When> when;
  std::optional<std::vector<std::string>> subscriptions;
  std::optional<absl::Duration> timeout;

  // The source with its `acknowledge` complete; `common` is that of all. One that says itself that
  // it answers once an event is stored waits for none of the subscriptions that others wait for.
  Settings::Source Resolve(const Settings::Acknowledge& common) const;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_DECLARED_SOURCE_H_
