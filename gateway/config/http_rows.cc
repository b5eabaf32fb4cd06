#include "absl/time/time.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

using S = Settings;

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;

// Below, a slow network is refused; above, a caller that does nothing costs too much.
Kind<absl::Duration> WaitKind() { return DurationKind(absl::Milliseconds(100), absl::Minutes(5)); }

}  // namespace

std::vector<Setting> HttpRows() {
  return {
      Row(
          "http.listen", AddressKind(), [](S* s) { return &s->http.server.listen; },
          "where callbacks come in; port 0 takes a free one",
          "this machine only: who may call is decided before the port is opened to a network"),
      Reloading(Row(
          "http.allow_unauthenticated", BooleanKind(),
          [](S* s) { return &s->http.allow_unauthenticated; },
          "take callbacks from beyond this machine, from anybody",
          "what a stranger posts would become an event that everybody believes")),
      Reloading(Row(
          "http.max_body_bytes", BytesKind<size_t>(kKiB, 16 * kMiB),
          [](S* s) { return &s->http.server.max_body_bytes; }, "the largest callback that is taken",
          "forty times the largest callback that the vendor documents")),
      Reloading(Row(
          "http.max_request_line_bytes", BytesKind<size_t>(kKiB, 64 * kKiB),
          [](S* s) { return &s->http.server.max_request_line_bytes; },
          "the longest method, target and version together",
          "what common proxies take, so that whatever passes them passes here")),
      Reloading(Row(
          "http.max_header_bytes", BytesKind<size_t>(kKiB, 64 * kKiB),
          [](S* s) { return &s->http.server.max_header_bytes; }, "the longest single header",
          "what common proxies take, so that whatever passes them passes here")),
      Reloading(Row(
          "http.max_headers", NumberKind<size_t>(10, 1000),
          [](S* s) { return &s->http.server.max_headers; }, "the most headers of one request",
          "a caller sends about ten, and a chain of proxies adds as many")),
      Reloading(Row(
          "http.max_head_bytes", BytesKind<size_t>(kKiB, kMiB),
          [](S* s) { return &s->http.server.max_head_bytes; },
          "the largest head, of all lines together",
          "100 headers of 8 KiB would be 800 KiB for each connection; real heads have 500 bytes")),
      Reloading(Row(
          "http.max_chunk_framing_bytes", BytesKind<size_t>(kKiB, kMiB),
          [](S* s) { return &s->http.server.max_chunk_framing_bytes; },
          "how much a chunked body may have around its content",
          "enough for a thousand chunks; a body that fits one needs ten bytes")),
      Reloading(Row(
          "http.max_linger_bytes", BytesKind<size_t>(kKiB, 64 * kMiB),
          [](S* s) { return &s->http.server.max_linger_bytes; },
          "how much of a refused request is still read, and dropped",
          "closing with bytes unread would destroy the answer on its way; who sends more than this "
          "is not going to read it")),
  };
}

std::vector<Setting> HttpTimeRows() {
  return {
      Reloading(Row(
          "http.head_timeout", WaitKind(), [](S* s) { return &s->http.server.head_timeout; },
          "how long a request may take from its first byte to the end of its head",
          "real senders take milliseconds; one byte a second may not hold a connection for long")),
      Reloading(Row(
          "http.request_timeout", WaitKind(), [](S* s) { return &s->http.server.request_timeout; },
          "how long a request may take from its first byte to its last",
          "twice the head's: 64 KiB take that long on the slowest line worth serving")),
      Reloading(Row(
          "http.idle_timeout", WaitKind(), [](S* s) { return &s->http.server.idle_timeout; },
          "how long a connection may stay without a byte of its first or next request",
          "callers that reuse a connection do so within seconds, and a new one is cheap")),
      Reloading(Row(
          "http.write_timeout", WaitKind(), [](S* s) { return &s->http.server.write_timeout; },
          "how long a caller may take to accept its answer",
          "answers are small, so only a caller that stalls needs this long")),
      Reloading(Row(
          "http.linger_timeout", WaitKind(), [](S* s) { return &s->http.server.linger_timeout; },
          "how long the rest of a refused request is still read, and dropped",
          "an answer crosses the world in a fraction of it")),
  };
}

std::vector<Setting> ConnectionRows() {
  return {
      Reloading(Row(
          "http.max_connections", NumberKind<int>(4, 32768),
          [](S* s) { return &s->http.server.max_connections; },
          "the most connections at once; further ones are told 503",
          "an idle one takes about 5 KiB, with TLS a thread and about 90 KiB: 1024 are 5 or 90 "
          "MB")),
      Reloading(Row(
          "http.max_connections_per_peer", NumberKind<int>(1, 32768),
          [](S* s) { return &s->http.server.max_connections_per_peer; },
          "the most connections of one address, but for loopback and trusted proxies",
          "an eighth of all, so that one caller cannot take them all")),
      Reloading(Row(
          "http.max_waiting_callbacks",
          NumberOrWordKind("NUMBER|three-quarters", "three-quarters", 1, 32768),
          [](S* s) { return &s->http.max_waiting_callbacks; },
          "the most callbacks that wait to be forwarded, by default three quarters of connections",
          "the rest of the connections goes on taking callbacks that need not wait, while "
          "subscribers are slow")),
      Reloading(Row(
          "http.max_refusals", NumberKind<int>(1, 1024),
          [](S* s) { return &s->http.server.max_refusals; },
          "the most connections beyond the limits that are told so at once; others are just closed",
          "enough for a burst of honest callers, and a flood gets nothing for its trouble")),
      Row(
          "http.backlog", NumberKind<int>(1, 65535), [](S* s) { return &s->http.server.backlog; },
          "the most connections that the kernel keeps waiting during a burst",
          "as many as may be served; the system's net.core.somaxconn, usually 4096, holds too"),
  };
}

std::vector<Setting> CallbackRows() {
  return {
      // The vendor documents 21 fields with those of the signature.
      Reloading(Row(
          "callbacks.max_fields", NumberKind<size_t>(21, 4096),
          [](S* s) { return &s->callbacks.max_fields; }, "the most fields of one callback",
          "twelve times what the vendor documents, and sorting them for a signature is cheap")),
      Reloading(Row(
          "callbacks.max_nesting", NumberKind<size_t>(1, 64),
          [](S* s) { return &s->callbacks.max_nesting; },
          "how deep the JSON of a callback may be nested",
          "the vendor's callbacks are flat; a stack that grows with the input is an attack")),
      Reloading(Row(
          "acknowledge.when", AcknowledgeWhenKind(), [](S* s) { return &s->acknowledge.when; },
          "a callback succeeds once its event is on disk and forwarded, merely on disk, or settled",
          "success then means that somebody has it, and not only that it is safe here")),
      Reloading(Row(
          "acknowledge.timeout", DurationKind(), [](S* s) { return &s->acknowledge.timeout; },
          "how long a callback may wait to be forwarded; more than 0s, up to 1m",
          "vendors of this kind are known to hang up after 700 ms")),
      Reloading(Row(
          "acknowledge.subscriptions", NamesKind(),
          [](S* s) { return &s->acknowledge.subscriptions; },
          "declared subscriptions that must each have received it; none: any receiver will do",
          "without a subscription by name nobody else could be meant")),
  };
}

}  // namespace onhook
