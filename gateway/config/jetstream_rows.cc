#include <vector>

#include "absl/time/time.h"
#include "gateway/config/jetstream_kinds.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

using S = Settings;

std::vector<Setting> JetStreamTlsRows() {
  return {
      Row(
          "store.jetstream.tls.ca_file", FileKind(),
          [](S* s) { return &s->store.jetstream.tls.ca_file; },
          "who may sign the certificates of servers at tls://, in PEM; none: the system's",
          "servers with a public certificate need none named"),
      Row(
          "store.jetstream.tls.certificate_file", FileKind(),
          [](S* s) { return &s->store.jetstream.tls.certificate_file; },
          "the certificate that the gateway shows the servers, in PEM; none: it shows none",
          "servers ask for one only if they are told to"),
      Row(
          "store.jetstream.tls.key_file", FileKind(),
          [](S* s) { return &s->store.jetstream.tls.key_file; },
          "the certificate's key, in PEM, without a passphrase",
          "a key without its certificate is of no use"),
  };
}

}  // namespace

std::vector<Setting> JetStreamRows() {
  std::vector<Setting> rows = {
      Row(
          "store.jetstream.servers", NatsServersKind(),
          [](S* s) { return &s->store.jetstream.servers; },
          "the NATS servers, of which one has to answer; at tls:// one without TLS is refused",
          "a first try runs one server beside the gateway (nats-server -js), with replicas 1"),
      Row(
          "store.jetstream.credentials_file", FileKind(),
          [](S* s) { return &s->store.jetstream.credentials_file; },
          "the gateway's JWT and NKey, in one file as nsc writes it; none: it proves nothing by it",
          "servers without accounts ask for none"),
      Row(
          "store.jetstream.user", UserKind(), [](S* s) { return &s->store.jetstream.user; },
          "whom the gateway connects as, if by a password; none: as nobody",
          "servers without accounts ask for none"),
      Row(
          "store.jetstream.password_file", FileKind(),
          [](S* s) { return &s->store.jetstream.password_file; },
          "the file of that user's password, and of nothing else but one line end",
          "a password is never a setting itself, so that no output can show it"),
  };
  const std::vector<Setting> tls = JetStreamTlsRows();
  rows.insert(rows.end(), tls.begin(), tls.end());
  const std::vector<Setting> rest = {
      Row(
          "store.jetstream.stream", StreamNameKind(),
          [](S* s) { return &s->store.jetstream.stream; },
          "the stream of events; four more begin with its name; all are made if missing",
          "one fleet needs one; another one in the same account needs another"),
      Row(
          "store.jetstream.subject_prefix", SubjectPrefixKind(),
          [](S* s) { return &s->store.jetstream.subject_prefix; },
          "what every subject of ours begins with",
          "permissions of servers are granted by it: onhook.>"),
      Row(
          "store.jetstream.replicas", ReplicasKind(),
          [](S* s) { return &s->store.jetstream.replicas; },
          "on how many servers everything lies; most of them must be up; a single one needs 1",
          "one server may be lost, or be restarted, and nothing stands still"),
      Row(
          "store.jetstream.servers_sync_always", BooleanKind(),
          [](S* s) { return &s->store.jetstream.servers_sync_always; },
          "whether the servers run with sync_interval: always, which no gateway can find out",
          "no server does unless it is told to; what is stored is only said to be synced if so"),
      Row(
          "store.jetstream.ownership", DurationKind(absl::Seconds(1), absl::Minutes(5)),
          [](S* s) { return &s->store.jetstream.ownership; },
          "how long events stay with a gateway that says nothing any more",
          "a gateway's restart is over by then, and what a killed one had comes soon"),
      Row(
          "store.jetstream.request_timeout",
          DurationKind(absl::Milliseconds(100), absl::Minutes(1)),
          [](S* s) { return &s->store.jetstream.request_timeout; },
          "how long the servers may take for an answer",
          "they choose another leader within 5 s, and what asks then still gets its answer; "
          "without a connection nobody waits for it"),
  };
  rows.insert(rows.end(), rest.begin(), rest.end());
  return rows;
}

std::vector<Setting> SpoolRows() {
  return {
      Row(
          "store.spool.directory", DirectoryOrNoneKind(),
          [](S* s) { return &s->store.spool.directory; },
          "where callbacks are kept while the NATS servers cannot take them; none: they are "
          "refused",
          "a place that lasts is the operator's choice; without one the vendor comes again"),
      Row(
          "store.spool.patience", DurationKind(absl::Milliseconds(10), absl::Minutes(1)),
          [](S* s) { return &s->store.spool.patience; },
          "how long a callback waits for the servers before it goes into the spool",
          "more than healthy servers take, and the vendor, who hangs up after 700 ms, is answered"),
      Row(
          "store.spool.max_events", NumberKind<int64_t>(1000, 100000000),
          [](S* s) { return &s->store.spool.max_events; },
          "the most events that the spool holds; with more, callbacks are answered 503",
          "1 GB of usual events, a night's outage; store.minimum_free_disk holds as well"),
  };
}

}  // namespace onhook
