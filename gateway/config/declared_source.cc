#include "gateway/config/declared_source.h"

namespace onhook {

Settings::Source DeclaredSource::Resolve(const Settings::Acknowledge& common) const {
  Settings::Source resolved = source;
  resolved.acknowledge.when = when.value_or(common.when);
  const bool waits_for_none = when == Settings::Acknowledge::When::kStored;
  resolved.acknowledge.subscriptions =
      subscriptions.value_or(waits_for_none ? std::vector<std::string>() : common.subscriptions);
  resolved.acknowledge.timeout = timeout.value_or(common.timeout);
  return resolved;
}

}  // namespace onhook
