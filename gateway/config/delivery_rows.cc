#include "absl/time/time.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

using S = Settings;

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

}  // namespace

std::vector<Setting> DeliveryRows() {
  return {
      Row(
          "grpc.listen", AddressKind(), [](S* s) { return &s->grpc.server.listen; },
          "where subscribers connect; port 0 takes a free one",
          "this machine only: who may receive events is decided before the port is opened"),
      Reloading(Row(
          "grpc.allow_unauthenticated", BooleanKind(),
          [](S* s) { return &s->grpc.allow_unauthenticated; },
          "serve subscribers beyond this machine, anybody",
          "events hold numbers of callers, and an ack of a stranger's loses an event")),
      Reloading(Row(
          "grpc.max_streams", NumberKind<int>(1, 100000),
          [](S* s) { return &s->grpc.server.max_streams; },
          "the most streams at once, of Subscribe and Watch together",
          "hundreds of replicas; each costs about its window in memory while its client is slow")),
      Reloading(Row(
          "grpc.max_outstanding_events", NumberKind<int32_t>(1, 1000000),
          [](S* s) { return &s->grpc.server.max_outstanding_events; },
          "the most events that one stream may hold unsettled",
          "keeps a fast consumer busy, and a crash redelivers no more than this")),
      Reloading(Row(
          "grpc.max_outstanding_bytes", BytesKind<int64_t>(64 * kKiB, kGiB),
          [](S* s) { return &s->grpc.server.max_outstanding_bytes; },
          "the most bytes of events that one stream may hold unsettled",
          "1000 events of 16 KiB; real ones have about 1 KiB, so the other limit is met first")),
      Row(
          "grpc.max_request_bytes", BytesKind<int>(64 * kKiB, 64 * kMiB),
          [](S* s) { return &s->grpc.server.max_request_bytes; },
          "the largest message that a client may send", "fits 10,000 delivery ids of 64 bytes"),
      Reloading(Row(
          "grpc.max_requests_under_way", NumberKind<int>(1, 65536),
          [](S* s) { return &s->grpc.server.max_requests_under_way; },
          "the most requests of one stream that wait for the disk before its next is read",
          "many share one commit, and a client that floods waits for itself")),
      Reloading(Row(
          "grpc.max_unanswered_bytes", BytesKind<size_t>(64 * kKiB, kGiB),
          [](S* s) { return &s->grpc.server.max_unanswered_bytes; },
          "the most bytes of a stream's requests under way, with answers it has not taken",
          "some thirty acks of 256 deliveries each: what a client that never reads may cost")),
      Reloading(Row(
          "grpc.max_dead_letter_changes", NumberKind<int>(1, 1024),
          [](S* s) { return &s->grpc.server.max_dead_letter_changes; },
          "the most redrives and discards at once, of all clients together",
          "people start them; each holds a list of what it changes, and takes many commits")),
  };
}

std::vector<Setting> StreamRows() {
  return {
      Reloading(Row(
          "grpc.open_timeout", DurationKind(absl::Milliseconds(100), absl::Minutes(5)),
          [](S* s) { return &s->grpc.server.open_timeout; },
          "how long a client may take from its call to its first message",
          "clients send it at once; what says nothing may not hold a stream")),
      Reloading(Row(
          "grpc.heartbeat_interval", DurationKind(absl::Seconds(1), absl::Minutes(10)),
          [](S* s) { return &s->grpc.server.heartbeat_interval; },
          "how often something is sent at least",
          "well below the minute after which proxies and firewalls drop what is silent")),
      Reloading(Row(
          "grpc.stalled_after", DurationKind(absl::Seconds(1), absl::Hours(1)),
          [](S* s) { return &s->grpc.server.stalled_after; },
          "how long a client may take nothing before its stream is ended",
          "a stop of its garbage collector is shorter; then others get its events")),
      Row(
          "grpc.max_stream_age", DurationKind(absl::Minutes(1), absl::Hours(24 * 7)),
          [](S* s) { return &s->grpc.server.max_stream_age; },
          "the age at which a stream is asked to come anew, give or take a tenth",
          "streams spread over new replicas within the hour, at the cost of one reconnection"),
      Row(
          "grpc.handover_time", DurationKind(absl::Milliseconds(100), absl::Minutes(5)),
          [](S* s) { return &s->grpc.server.handover_time; },
          "how long a stream that was asked to come anew still delivers",
          "a client that reconnects at once never notices; one that does not is no burden"),
  };
}

std::vector<Setting> GrpcConnectionRows() {
  return {
      Reloading(Row(
          "grpc.max_connections", NumberKind<int>(4, 32768),
          [](S* s) { return &s->grpc.server.max_connections; },
          "the most connections of subscribers at once; further ones are closed",
          "hundreds of replicas; each costs about 30 KiB, with TLS 110 KiB, and two descriptors")),
      Reloading(Row(
          "grpc.max_connections_per_peer", NumberKind<int>(1, 32768),
          [](S* s) { return &s->grpc.server.max_connections_per_peer; },
          "the most connections of one address, of IPv6 one /64 network, but for loopback",
          "a quarter of all, so that one peer cannot take them all")),
      Reloading(Row(
          "grpc.max_connections_per_identity", NumberKind<int>(1, 32768),
          [](S* s) { return &s->grpc.server.max_connections_per_identity; },
          "the most connections of one identity of the access list",
          "half of all, so that one that reconnects without end leaves the others theirs")),
      Reloading(Row(
          "grpc.max_streams_per_identity", NumberKind<int>(1, 100000),
          [](S* s) { return &s->grpc.server.max_streams_per_identity; },
          "the most streams of one identity of the access list",
          "half of all, so that one that opens more and more leaves the others theirs")),
      Row(
          "grpc.max_streams_per_connection", NumberKind<int>(1, 10000),
          [](S* s) { return &s->grpc.server.max_streams_per_connection; },
          "the most calls at once on one connection, streams and others",
          "what HTTP/2 recommends as a least: a connection can make each of them cost a call"),
      Row(
          "grpc.handshake_timeout", DurationKind(absl::Milliseconds(100), absl::Minutes(5)),
          [](S* s) { return &s->grpc.server.handshake_timeout; },
          "how long a connection may take from its first byte to the end of its handshakes",
          "two or three ways across the world and back; one that says nothing holds no place"),
      Row(
          "grpc.idle_timeout", DurationKind(absl::Seconds(1), absl::Hours(24)),
          [](S* s) { return &s->grpc.server.idle_timeout; },
          "how long a connection may stay without a call",
          "a command that is repeated finds its connection; what was forgotten holds no place"),
      Row(
          "grpc.max_connection_age", DurationKind(absl::Minutes(1), absl::Hours(24 * 7)),
          [](S* s) { return &s->grpc.server.max_connection_age; },
          "the age from which a connection takes no new call, give or take a tenth",
          "as that of a stream, so that what was proved once is proved again"),
  };
}

std::vector<Setting> GrpcCallRows() {
  return {
      Row(
          "grpc.memory_quota", BytesKind<int64_t>(16 * kMiB, 64 * kGiB),
          [](S* s) { return &s->grpc.server.memory_quota; },
          "how many bytes of what clients send are held, of all connections together",
          "a hundred requests of the largest size at once, and half of what a container has"),
      Row(
          "grpc.max_metadata_bytes", BytesKind<int>(kKiB, 64 * kKiB),
          [](S* s) { return &s->grpc.server.max_metadata_bytes; },
          "the most bytes of headers of one call, as HTTP/2 counts them",
          "what gRPC takes by default; a token and a trace need a tenth of it"),
      Reloading(Row(
          "grpc.max_headers", NumberKind<int>(16, 10000),
          [](S* s) { return &s->grpc.server.max_headers; }, "the most headers of one call",
          "clients send some ten, proxies as many; a thousand small ones cost a megabyte")),
      Reloading(Row(
          "grpc.max_call_rate", NumberKind<int>(1, 1000000),
          [](S* s) { return &s->grpc.server.max_call_rate; },
          "how many calls may begin in a second on one connection, in the long run",
          "look-ups one after the other are fewer; one that resets its calls takes memory by "
          "them")),
      Reloading(Row(
          "grpc.max_call_burst", NumberKind<int>(1, 1000000),
          [](S* s) { return &s->grpc.server.max_call_burst; },
          "how many calls may begin at once on one connection",
          "all that may be open at once, twice")),
      Row(
          "grpc.unix_socket", SocketPathKind(), [](S* s) { return &s->grpc.server.unix_socket; },
          "an absolute path, for a Unix-domain socket at which subscribers may connect too",
          "only the other containers of a pod have a use for it"),
      Row(
          "grpc.unix_socket_mode", ModeKind(),
          [](S* s) { return &s->grpc.server.unix_socket_mode; },
          "the permissions of that socket's file: who may connect",
          "its owner and group, as containers of a pod share one"),
      Reloading(Row(
          "grpc.allow_cleartext", BooleanKind(), [](S* s) { return &s->grpc.allow_cleartext; },
          "take tokens beyond this machine without TLS",
          "whoever sees the network's traffic sees the tokens, and every event")),
  };
}

std::vector<Setting> AdminRows() {
  return {
      Row(
          "admin.listen", AddressKind(), [](S* s) { return &s->admin.server.listen; },
          "where probes and collectors of metrics ask; port 0 takes a free one",
          "this machine only, like the others; probes of a cluster need an address of the pod"),
      Reloading(Row(
          "admin.max_connections", NumberKind<int>(4, 1024),
          [](S* s) { return &s->admin.server.max_connections; },
          "the most connections of probes at once", "probes ask little and often, from few peers")),
      Reloading(Row(
          "admin.max_connections_per_peer", NumberKind<int>(1, 1024),
          [](S* s) { return &s->admin.server.max_connections_per_peer; },
          "the most connections of one address, but for loopback",
          "half of all, so that one peer that hangs does not hide the gateway from the others")),
      Reloading(Row(
          "admin.allowed_networks", NetworksKind(), [](S* s) { return &s->admin.allowed_networks; },
          "who may ask, beside this machine; none: whoever reaches the port",
          "which addresses probes come from is known only where they run")),
      Reloading(Row(
          "admin.allow_unauthenticated", BooleanKind(),
          [](S* s) { return &s->admin.allow_unauthenticated; },
          "answer beyond this machine, anybody",
          "metrics name sources and subscriptions, and tell how many calls there are")),
  };
}

std::vector<Setting> ProcessRows() {
  return {
      Reloading(Row(
          "log.level", LogLevelKind(), [](S* s) { return &s->log.level; },
          "the least important lines that are logged",
          "what an operator wants to know; single events are told at debug only")),
      Reloading(Row(
          "shutdown.delay", DurationKind(), [](S* s) { return &s->shutdown.delay; },
          "how long callbacks are still taken after SIGTERM, while /readyz says no",
          "only behind a load balancer does somebody go on sending; 5s is right in Kubernetes")),
      Reloading(Row(
          "shutdown.drain_deadline", DurationKind(),
          [](S* s) { return &s->shutdown.drain_deadline; },
          "how long requests and subscribers then have to finish",
          "with the delay well below the 30 s after which Kubernetes kills")),
  };
}

}  // namespace onhook
