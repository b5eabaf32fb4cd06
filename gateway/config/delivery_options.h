#ifndef ONHOOK_GATEWAY_CONFIG_DELIVERY_OPTIONS_H_
#define ONHOOK_GATEWAY_CONFIG_DELIVERY_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace onhook {

// What the gRPC side offers to its clients, and where that ends.
struct DeliveryOptions {
  // HOST:PORT; port 0 takes a free one. Loopback by default: who may receive events is decided
  // before the port is opened to a network.
  std::string listen = "127.0.0.1:50051";
  // Path of a Unix-domain socket to listen at too, for the other containers of a pod; its file's
  // permissions say who may connect. Empty: none.
  std::string unix_socket;
  int unix_socket_mode = 0660;

  // Subscribe and Watch together. Each costs about its window in memory while its client is slow.
  int max_streams = 1024;
  // Half of all, so that one identity that opens more and more leaves the others theirs.
  int max_streams_per_identity = 512;
  // Calls at once on one connection, streams and others: what HTTP/2 recommends as a least, since a
  // connection can make each of them cost a call. Further ones wait at their client, unsent, until
  // one ends.
  int max_streams_per_connection = 100;

  // Each costs about 30 KiB, with TLS 110 KiB, and two descriptors.
  int max_connections = 1024;
  // So that one peer (of IPv6, one /64 network) cannot take them all. Not for loopback.
  int max_connections_per_peer = 256;
  int max_connections_per_identity = 512;
  // From a connection's first byte to the end of its handshakes.
  absl::Duration handshake_timeout = absl::Seconds(5);
  // A connection without a call is closed after so long.
  absl::Duration idle_timeout = absl::Minutes(5);
  // A connection takes no new call from this age on, give or take a tenth, and is closed when the
  // streams on it have ended by their own age: so that what was proved once is proved again.
  absl::Duration max_connection_age = absl::Minutes(30);
  // Memory that gRPC may use for what clients send, of all connections together.
  int64_t memory_quota = 128 << 20;
  // Headers of one call, as HTTP/2 counts their bytes, and how many there are: each costs gRPC a
  // multiple of its length.
  int max_metadata_bytes = 8 << 10;
  int max_headers = 100;
  // Calls that may begin on one connection: in a second in the long run, and some more at once. See
  // CallPace.
  int max_call_rate = 500;
  int max_call_burst = 200;

  // Most that one Subscribe may hold unsettled, and what it gets unless it asks for less.
  int32_t max_outstanding_events = 1000;
  int64_t max_outstanding_bytes = 16 << 20;

  // Acks of one stream that may wait for their commit before its next request is read.
  int max_requests_under_way = 256;
  // The same in bytes, with those of the answers that its client has not taken: what a client that
  // sends large requests and reads nothing can cost. Some thirty acks of 256 deliveries each.
  size_t max_unanswered_bytes = 1 << 20;
  // Redrives and discards that may be under way, of all clients together. Each keeps a list of what
  // it changes, and one that changes many takes many commits.
  int max_dead_letter_changes = 8;
  // Fits 10,000 delivery ids of 64 bytes.
  int max_request_bytes = 1 << 20;

  // Most that one message carries: enough to spread the cost of a message, little enough for every
  // client's default limit of 4 MiB.
  size_t max_batch_events = 256;
  size_t max_batch_bytes = 512 << 10;

  // A client may take this long from its call to its `open`.
  absl::Duration open_timeout = absl::Seconds(10);
  // Something is sent at least so often, so that a client can tell silence from loss.
  absl::Duration heartbeat_interval = absl::Seconds(15);
  // A stream whose client takes nothing for so long is ended, so that others get its events.
  absl::Duration stalled_after = absl::Seconds(30);
  // A stream is asked to come anew at this age, give or take a tenth.
  absl::Duration max_stream_age = absl::Minutes(30);
  // How long an old stream delivers after its go_away, if no other opens in its place: a client
  // that reconnects at once never notices, and one that does not is not kept waiting for long.
  absl::Duration handover_time = absl::Seconds(5);
  // How long acks are taken after go_away.
  absl::Duration drain_timeout = absl::Seconds(10);
  // How often the deadlines above are looked at.
  absl::Duration tick_interval = absl::Milliseconds(250);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_DELIVERY_OPTIONS_H_
