#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_OPTIONS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/store/store_limits.h"

namespace onhook {

// How to reach the NATS servers. Files are read anew at every connection.
struct NatsOptions {
  // A server that has nothing to tell is asked so often whether it is there.
  absl::Duration ping_interval = absl::Seconds(2);
  std::vector<std::string> servers = {"nats://127.0.0.1:4222"};  // "nats://" or "tls://"
  std::string credentials_file;  // of an NKey and JWT ("nsc"); empty: none
  std::string user;              // with password_file; empty: none
  std::string password_file;
  std::string ca_file;  // whom the servers' certificates are signed by; empty: the system's
  std::string certificate_file;  // our own, with key_file; empty: none
  std::string key_file;
  // How long a request may take before it counts as failed.
  absl::Duration request_timeout = absl::Seconds(5);
};

// How nonces of signed callbacks are forgotten; see NonceSweep.
struct NoncePace {
  absl::Duration interval = absl::Minutes(1);  // of rounds
  // From the moment that all gateways can know what will be forgotten to the forgetting. Longer
  // than NonceHorizons::kTrusted by what a deposed leader may go on answering for.
  absl::Duration remove_after = absl::Minutes(1);
  // Nonces that are overdue by no more than a random part of this are left to other gateways.
  absl::Duration patience = absl::Minutes(5);
};

// What the engine opens.
struct JetStreamOptions {
  NatsOptions nats;
  // Of the stream of events. What else is kept lies in streams of this name with "_STATE", "_DEAD",
  // "_REJECTED" and "_NONCES" behind it.
  std::string stream = "ONHOOK";
  std::string subject_prefix = "onhook";  // of every subject
  int replicas = 3;                       // of streams and consumers: 1, 3 or 5
  // The operator's word for it: the servers run with sync_interval: always. The server does not
  // tell a client, so nothing checks it; the durability class says what follows from it.
  bool servers_sync_always = false;
  RetentionOptions retention;
  QuarantineOptions quarantine;
  size_t tail_bytes = size_t{64} << 20;
  // For how long the servers let a gateway have an event that does not say that it is still at it:
  // a gateway that is killed keeps its events from others for so long.
  absl::Duration ownership = absl::Seconds(10);
  absl::Duration tick_interval = absl::Milliseconds(100);
  NoncePace nonce_pace;
  // Of one subscription, between two snapshots of it: bounds what a start reads.
  int64_t records_between_snapshots = 10000;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_OPTIONS_H_
