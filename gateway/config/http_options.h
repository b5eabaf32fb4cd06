#ifndef ONHOOK_GATEWAY_CONFIG_HTTP_OPTIONS_H_
#define ONHOOK_GATEWAY_CONFIG_HTTP_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/ip_network.h"

namespace onhook {

// What one HTTP listener accepts. Every limit protects the callers who behave from those who do
// not; the defaults leave a callback of the vendor (about 1 KiB in 500 bytes of head) ample room.
struct HttpOptions {
  // HOST:PORT, or [HOST]:PORT for IPv6. HOST is an address or "localhost"; port 0 takes a free
  // one. Loopback by default: who may call is decided before the port is opened to a network.
  std::string listen = "127.0.0.1:8080";

  // Longest method, target and version together, and longest single header: what common proxies
  // take too, so that whatever passes them passes here.
  size_t max_request_line_bytes = 8 * 1024;
  size_t max_header_bytes = 8 * 1024;
  // A caller sends about ten headers and a chain of proxies adds as many.
  size_t max_headers = 100;
  // All of the head. 100 headers of 8 KiB would be 800 KiB for each connection.
  size_t max_head_bytes = 64 * 1024;
  // Forty times the vendor's largest documented callback.
  size_t max_body_bytes = 64 * 1024;
  // All that a chunked body has around its content: sizes, line ends, extensions, trailers. Enough
  // for a thousand chunks; so a whole request is at most 144 KiB, however it is cut.
  size_t max_chunk_framing_bytes = 16 * 1024;

  // From a request's first byte to the end of its head, and to the end of its body. Real senders
  // take milliseconds; a sender of one byte a second may not hold a connection for long.
  absl::Duration head_timeout = absl::Seconds(5);
  absl::Duration request_timeout = absl::Seconds(10);
  // How long a connection may stay without a byte of a (first or next) request.
  absl::Duration idle_timeout = absl::Seconds(5);
  // How long a peer may take to accept an answer: answers are small, so only a stalled peer
  // needs this long.
  absl::Duration write_timeout = absl::Seconds(5);
  // After an early refusal the rest of the peer's bytes is read and dropped for this long and up
  // to this many bytes, because closing with bytes unread would destroy the answer on its way.
  absl::Duration linger_timeout = absl::Seconds(1);
  size_t max_linger_bytes = 1024 * 1024;

  // An idle connection takes about 5 KiB of memory, with TLS a thread and about 90 KiB: 1024 are 5
  // or 90 MB. Past these the connection that has been idle the longest ends for the newcomer.
  int max_connections = 1024;
  // So that one peer (of IPv6, one /64 network) cannot take them all. Not for loopback, where a
  // proxy or a sidecar speaks for many, nor for the proxies named here.
  int max_connections_per_peer = 128;
  std::vector<IpNetwork> uncapped_peers;
  // For a machine that many share, and for tests.
  bool cap_loopback = false;
  // Connections beyond a cap that are told so (503) at the same time; past these they are closed
  // without a word.
  int max_refusals = 32;
  // Connections that the kernel keeps for us during a burst; the system's own limit
  // (net.core.somaxconn, usually 4096) holds too.
  int backlog = 1024;

  // The server dials its own port, since a listener may die without a word (no descriptors, a lost
  // address). Each dial may take this long; zero: never.
  absl::Duration self_dial_interval = absl::Seconds(1);
  // Dials in a row that nobody takes until the listener is reported and opened again: within 5 s.
  int self_dials_until_reopened = 4;
  // The same until the server is given up, and its owner should end the process: descriptors that
  // leaked come back by that only. Twice the idle timeout, by which time connections free some.
  int self_dials_until_given_up = 10;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_HTTP_OPTIONS_H_
