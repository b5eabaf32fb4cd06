#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/delivery_options.h"
#include "gateway/config/http_options.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// Everything that can be set, as plain values; what is written here is the default. The table in
// settings_table.h says how each is named, read and shown.
struct Settings {
  // The port for the vendor's callbacks.
  struct Http {
    HttpOptions server;
    // Listen beyond loopback although nothing proves who posts a callback.
    bool allow_unauthenticated = false;
  };

  // The port for subscribers.
  struct Grpc {
    DeliveryOptions server;
    // Listen beyond loopback although nothing proves who reads the events.
    bool allow_unauthenticated = false;
  };

  // The port for probes: they ask little and often, from few peers.
  struct Admin {
    HttpOptions server = AdminServer();
    static HttpOptions AdminServer() {
      HttpOptions options;
      options.listen = "127.0.0.1:8081";
      options.max_body_bytes = 1024;
      options.max_connections = 64;
      options.max_connections_per_peer = 32;
      return options;
    }
  };

  struct Store {
    std::string directory = "onhook-data";
    // Events that no subscription is owed are kept so long, and so many bytes of them. Nothing:
    // without limit.
    std::optional<absl::Duration> retention_age = absl::Hours(7 * 24);
    std::optional<int64_t> retention_size = int64_t{10} << 30;
    // A repeat is known for so long after its event is gone. The vendor repeats for some hours.
    absl::Duration deduplication_window = absl::Hours(24);
    // They hold numbers of callers, so they are not kept for ever.
    std::optional<absl::Duration> dead_letters_age = absl::Hours(30 * 24);
    std::optional<int64_t> dead_letters_size = int64_t{1} << 30;
  };

  // A subscription that exists because it stands here.
  struct Subscription {
    std::string name;
    v1::SubscriptionSpec spec;
  };

  // When a callback is answered with success.
  struct Acknowledge {
    enum class When { kForwarded, kStored, kProcessed };
    When when = When::kForwarded;
    // Declared subscriptions that each must have received, or processed, the event. Empty: any.
    std::vector<std::string> subscriptions;
    // A vendor of this kind is known to hang up after 700 ms.
    absl::Duration timeout = absl::Milliseconds(500);
  };

  struct LogOutput {
    LogLevel level = LogLevel::kInfo;
  };

  struct Shutdown {
    // For load balancers that go on sending for a while to a gateway that is not ready any more.
    absl::Duration delay = absl::ZeroDuration();
    // With delay and checkpoint well below the 30 s after which Kubernetes kills.
    absl::Duration drain_deadline = absl::Seconds(10);
  };

  Http http;
  Grpc grpc;
  Admin admin;
  Store store;
  Acknowledge acknowledge;
  std::vector<Subscription> subscriptions;
  LogOutput log;
  Shutdown shutdown;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
