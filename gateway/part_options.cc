#include "gateway/part_options.h"

#include <algorithm>
#include <set>

#include "absl/time/time.h"

namespace onhook {
namespace {

// Within which a signature may be given again.
absl::Duration NonceMemory(const Settings& settings) {
  absl::Duration memory = settings.store.deduplication_window;
  for (const Settings::Source& source : settings.sources) {
    if (source.shared_key.has_value()) {
      memory = std::max(memory, 2 * source.shared_key->replay_window);
    }
  }
  return memory;
}

}  // namespace

int64_t MostDescriptors(const Settings& settings) {
  constexpr int64_t kOthers = 100;
  const auto of_http = [](const HttpOptions& options) {
    return int64_t{options.max_connections} + options.max_refusals;
  };
  return of_http(settings.http.server) + of_http(settings.admin.server) +
         int64_t{2} * settings.grpc.server.max_connections + kOthers;
}

std::vector<std::string> NamedSubscriptions(const Settings& settings) {
  std::set<std::string> names;
  for (const Settings::Source& source : settings.sources) {
    names.insert(source.acknowledge.subscriptions.begin(), source.acknowledge.subscriptions.end());
  }
  return {names.begin(), names.end()};
}

std::vector<IpNetwork> TrustedProxies(const Settings& settings) {
  std::vector<IpNetwork> proxies;
  for (const Settings::Source& source : settings.sources) {
    proxies.insert(proxies.end(), source.trusted_proxies.begin(), source.trusted_proxies.end());
  }
  return proxies;
}

int MaxWaitingCallbacks(const Settings& settings) {
  return settings.http.max_waiting_callbacks.value_or(settings.http.server.max_connections / 4 * 3);
}

RetentionOptions RetentionOf(const Settings& settings) {
  const Settings::Store& store = settings.store;
  RetentionOptions retention;
  retention.nonce_memory = NonceMemory(settings);
  retention.age = store.retention_age;
  retention.bytes = store.retention_size;
  retention.deduplication_window = store.deduplication_window;
  retention.dead_letters_age = store.dead_letters_age;
  retention.dead_letters_bytes = store.dead_letters_size;
  return retention;
}

StoreLimits StoreLimitsOf(const Settings& settings) {
  StoreLimits limits;
  limits.retention = RetentionOf(settings);
  limits.quarantine.bytes = settings.quarantine.size;
  limits.quarantine.age = settings.quarantine.age;
  limits.minimum_free_disk = settings.store.minimum_free_disk;
  return limits;
}

ReceiptDeskOptions ReceiptDeskOptionsOf(const Settings& settings) {
  ReceiptDeskOptions options;
  options.named_subscriptions = NamedSubscriptions(settings);
  options.max_waiting = MaxWaitingCallbacks(settings);
  return options;
}

HttpOptions HttpOptionsOf(const Settings& settings) {
  HttpOptions options = settings.http.server;
  options.uncapped_peers = TrustedProxies(settings);
  return options;
}

DeliveryOptions DeliveryOptionsOf(const Settings& settings) {
  DeliveryOptions options = settings.grpc.server;
  options.drain_timeout = settings.shutdown.drain_deadline;
  return options;
}

}  // namespace onhook
