#include "gateway/standing_warnings.h"

#include <cstdint>

#include "gateway/base/descriptor_limit.h"
#include "gateway/part_options.h"

namespace onhook {

void LogStandingWarnings(const Settings& settings, const Log& log) {
  const int64_t descriptors = MostDescriptors(settings);
  if (const int64_t limit = DescriptorLimit(); limit < descriptors) {
    log.Warning("gateway",
                "there may be fewer descriptors than the connections that the settings allow: "
                "raise the limit of open files, or lower max_connections of http and grpc",
                {{"limit", limit}, {"descriptors", descriptors}});
  }
  if (settings.grpc.allow_unauthenticated && settings.access.empty() &&
      !settings.grpc.tls.requires_client_certificate()) {
    log.Warning("gateway",
                "subscribers have no authentication: whoever reaches their port can read and "
                "acknowledge events");
  }
  for (const Settings::Source& source : settings.sources) {
    if (source.HasAuthentication()) continue;
    log.Warning("gateway",
                "the source has no authentication: whoever reaches its port can post callbacks",
                {{"source", source.name}});
  }
}

}  // namespace onhook
