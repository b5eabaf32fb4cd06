#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_H_

#include <string>

#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/delivery_options.h"
#include "gateway/config/http_options.h"

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
  };

  // When a callback is answered with success.
  struct Acknowledge {
    enum class When { kForwarded, kStored };
    When when = When::kForwarded;
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
  LogOutput log;
  Shutdown shutdown;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
