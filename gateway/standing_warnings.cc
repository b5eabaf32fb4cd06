#include "gateway/standing_warnings.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/base/descriptor_limit.h"
#include "gateway/config/jetstream_kinds.h"
#include "gateway/config/setting_values.h"
#include "gateway/part_options.h"

namespace onhook {
namespace {

bool AnyInCleartext(const Settings::JetStream& jetstream) {
  return std::any_of(jetstream.servers.begin(), jetstream.servers.end(),
                     [](const std::string& text) {
                       const absl::StatusOr<NatsServer> server = ParseNatsServer(text);
                       return server.ok() && !server->is_tls && !IsLoopback(server->address);
                     });
}

// What the servers may lose, as they are set up.
void WarnOfServers(const Settings::JetStream& jetstream, const Log& log) {
  if (jetstream.replicas == 1) {
    log.Warning("store",
                "everything lies on one NATS server: while it is down nothing is stored, and if "
                "its disk is lost, so is everything; with three servers their streams can be given "
                "3 replicas, and then store.jetstream.replicas");
  }
  if (!jetstream.servers_sync_always) {
    log.Warning("store",
                jetstream.replicas == 1
                    ? "the NATS server is not known to sync what it stores: if its power fails, "
                      "what was answered last is lost; run it with sync_interval: always, and set "
                      "store.jetstream.servers_sync_always to true"
                    : "the NATS servers are not known to sync what they store: if the power of "
                      "several fails at a time, what was answered last is lost; run them with "
                      "sync_interval: always, and set store.jetstream.servers_sync_always to true");
  }
  if (AnyInCleartext(jetstream)) {
    log.Warning("store",
                "NATS servers on other machines are reached without TLS: whoever sees the "
                "network's traffic reads events and passwords; name them with tls://");
  }
}

}  // namespace

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
  if (settings.store.engine == Settings::Store::Engine::kJetStream) {
    WarnOfServers(settings.store.jetstream, log);
  }
  for (const Settings::Source& source : settings.sources) {
    if (source.HasAuthentication()) continue;
    log.Warning("gateway",
                "the source has no authentication: whoever reaches its port can post callbacks",
                {{"source", source.name}});
  }
}

}  // namespace onhook
