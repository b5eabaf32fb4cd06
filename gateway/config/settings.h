#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/ip_network.h"
#include "gateway/base/log.h"
#include "gateway/config/delivery_options.h"
#include "gateway/config/http_options.h"
#include "gateway/config/tls_options.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// Everything that can be set, as plain values; what is written here is the default. The table in
// settings_table.h says how each is named, read and shown.
struct Settings {
  // The port for the vendor's callbacks.
  struct Http {
    HttpOptions server;
    TlsOptions tls;  // without a client_ca_file: the vendor has no certificate
    // Listen beyond loopback although nothing proves who posts a callback.
    bool allow_unauthenticated = false;
    // Callbacks that may wait to be forwarded at once; nothing: three quarters of max_connections,
    // so that the rest goes on taking those that need not wait.
    std::optional<int> max_waiting_callbacks;
  };

  // The port for subscribers.
  struct Grpc {
    DeliveryOptions server;
    TlsOptions tls;
    // Listen beyond loopback although nothing proves who reads the events.
    bool allow_unauthenticated = false;
    // Take tokens beyond loopback although whoever sees the network's traffic sees them.
    bool allow_cleartext = false;
  };

  // The port for probes: they ask little and often, from few peers.
  struct Admin {
    HttpOptions server = AdminServer();
    TlsOptions tls;
    // Who may ask, beside this machine. Empty: whoever reaches the port.
    std::vector<IpNetwork> allowed_networks;
    // Listen beyond loopback although nothing limits who asks.
    bool allow_unauthenticated = false;
    static HttpOptions AdminServer() {
      HttpOptions options;
      options.listen = "127.0.0.1:8081";
      options.max_body_bytes = 1024;
      options.max_connections = 64;
      options.max_connections_per_peer = 32;
      return options;
    }
  };

  // The servers of NATS JetStream that keep the events of all gateways of a fleet.
  struct JetStream {
    // The servers' certificates are checked by these. With a certificate the gateway shows it.
    struct Tls {
      std::string ca_file;           // empty: the system's authorities
      std::string certificate_file;  // the gateway's own; empty: none
      std::string key_file;          // the certificate's
    };
    std::vector<std::string> servers = {"nats://127.0.0.1:4222"};
    std::string credentials_file;  // a user's JWT and NKey; empty: none
    std::string user;              // with password_file; empty: none
    std::string password_file;
    Tls tls;
    std::string stream = "ONHOOK";
    std::string subject_prefix = "onhook";
    int replicas = 3;
    // The operator's word for it, since no server tells.
    bool servers_sync_always = false;
    // A gateway that is killed keeps its events from others for so long.
    absl::Duration ownership = absl::Seconds(10);
    absl::Duration request_timeout = absl::Seconds(5);
  };

  // Where callbacks are kept while the servers cannot take them.
  struct Spool {
    std::string directory;  // empty: there is no spool
    // How long a callback waits for the servers.
    absl::Duration patience = absl::Milliseconds(500);
    int64_t max_events = 1000000;
  };

  struct Store {
    enum class Engine { kSqlite, kJetStream };
    Engine engine = Engine::kSqlite;
    std::string directory = "onhook-data";  // of SQLite
    // Events that no subscription is owed are kept so long, and so many bytes of them. Nothing:
    // without limit.
    std::optional<absl::Duration> retention_age = absl::Hours(7 * 24);
    std::optional<int64_t> retention_size = int64_t{10} << 30;
    // A repeat is known for so long after its event is gone. The vendor repeats for some hours.
    absl::Duration deduplication_window = absl::Hours(24);
    // They hold numbers of callers, so they are not kept for ever.
    std::optional<absl::Duration> dead_letters_age = absl::Hours(30 * 24);
    std::optional<int64_t> dead_letters_size = int64_t{1} << 30;
    // Below this nothing new is stored, so that what must be written (acks, a checkpoint) still
    // can.
    int64_t minimum_free_disk = int64_t{512} << 20;
    // Keep each callback's body beside its event, byte for byte.
    bool keep_raw_body = false;
    // Newest events in memory, from which subscribers that keep up are served.
    size_t memory_tail = 16 << 20;
    JetStream jetstream;  // if that is the engine
    Spool spool;          // likewise
  };

  // A subscription that exists because it stands here.
  struct Subscription {
    std::string name;
    v1::SubscriptionSpec spec;
  };

  // Somebody who may come to the gRPC port or read metrics, and what for.
  struct Identity {
    std::string name;  // what logs and errors call it
    // How it is recognised: by exactly one of these.
    std::string certificate;  // a URI or DNS name among those that its certificate holds
    std::vector<std::string> token_files;  // one, or two while tokens change
    bool unix_socket = false;              // by having come through grpc.unix_socket
    // What it may do, see Permission; nothing but what is given. Patterns of subscription names, in
    // which * stands for any characters.
    std::vector<std::string> subscribe;
    std::vector<std::string> create;
    std::vector<std::string> administer;
    bool watch = false;
    bool read_events = false;
    bool rejected_callbacks = false;
    bool see_numbers = false;
    bool monitor = false;
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

  // Somebody who sends callbacks, and how the gateway takes them.
  struct Source {
    // By the vendor's signature. Present only if the callback's address was given by callBackUrl
    // and the tenant is in Shared Key mode.
    struct SharedKey {
      std::vector<std::string> key_files;  // one, or two while keys change: current, previous
      // How far a callback's timestamp may be from now, either way; 0: however far.
      absl::Duration replay_window = absl::Minutes(15);
      // Report: what does not verify is accepted, marked UNVERIFIED and counted.
      enum class Enforce { kReject, kReport };
      Enforce enforce = Enforce::kReject;
    };
    // By the header Authorization.
    struct Bearer {
      std::vector<std::string> token_files;  // one or two
    };
    struct Basic {
      std::string username;
      std::vector<std::string> password_files;  // one or two
    };

    std::string name = "default";          // what events, logs and metrics call it
    std::string path = "/release-events";  // where it posts to
    // Its content is a secret last segment of the path. Empty: there is none.
    std::string path_token_file;
    // At most one of the three; none: whoever knows the path is believed.
    std::optional<SharedKey> shared_key;
    std::optional<Bearer> bearer;
    std::optional<Basic> basic;
    std::vector<IpNetwork> allowed_networks;  // empty: from anywhere
    // From these alone X-Forwarded-For is believed.
    std::vector<IpNetwork> trusted_proxies;
    std::string time_zone = "UTC";  // of the vendor's times: an IANA name
    Acknowledge acknowledge;
    // Every answer has HTTP status 200, for a vendor that reads retCode only.
    bool always_200 = false;

    // Whether what comes in must prove anything about its sender. A signature that is only reported
    // lets everybody in.
    bool HasAuthentication() const {
      const bool verifies =
          shared_key.has_value() && shared_key->enforce == SharedKey::Enforce::kReject;
      return !path_token_file.empty() || verifies || bearer.has_value() || basic.has_value();
    }
  };

  // Callbacks that were refused and are kept.
  struct QuarantineLimits {
    int64_t size = 64 << 20;  // of bodies, each counted with 256 bytes for what stands beside it
    absl::Duration age = absl::Hours(30 * 24);
    // Of one source: kept in a second, in the long run, and at once.
    double rate = 100;
    int64_t burst = 1000;
  };

  // What one callback may hold.
  struct CallbackLimits {
    size_t max_fields = 256;
    size_t max_nesting = 16;
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
  Acknowledge acknowledge;  // of a source that does not say its own
  std::vector<Source> sources = {Source()};
  QuarantineLimits quarantine;
  CallbackLimits callbacks;
  std::vector<Subscription> subscriptions;
  // Empty: whoever gets into the ports may do everything there.
  std::vector<Identity> access;
  LogOutput log;
  Shutdown shutdown;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_H_
