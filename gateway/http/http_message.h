#ifndef ONHOOK_GATEWAY_HTTP_HTTP_MESSAGE_H_
#define ONHOOK_GATEWAY_HTTP_HTTP_MESSAGE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhook {

// One header as it was sent: the name in the sender's case, the value without surrounding space
// and otherwise untouched (no percent-decoding).
struct HttpHeader {
  absl::string_view name;
  absl::string_view value;
};

// A whole request: read to its end, checked against RFC 9112 and bounded before anybody sees it.
// The views live as long as the handler's call.
struct HttpRequest {
  absl::string_view method;  // "POST"; one that this server knows, in capitals
  absl::string_view path;  // begins with '/' (or is "*" for OPTIONS); percent-encoding left as sent
  absl::string_view query;  // after the first '?'; empty if there is none
  absl::Span<const HttpHeader> headers;
  absl::string_view body;  // chunks joined; opaque bytes
  // The other end of the socket, whatever the headers claim: "192.0.2.7" or "2001:db8::1". An
  // IPv4 peer of an IPv6 socket is shown as IPv4.
  absl::string_view peer;
  // Of a TLS connection whose peer showed a certificate that verified, in PEM: the peer's own, and
  // those that it sent beside it. Otherwise empty.
  absl::string_view certificate_pem;
  absl::string_view chain_pem;

  // The first header of that name (any case), or empty.
  absl::string_view Header(absl::string_view name) const;
};

// An answer. Content-Length, Date and Connection are added by the server. No value may hold a
// control character; a header that does is left out.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain;charset=UTF-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;  // end the connection after this answer
};

// Answers one request. May block; see HttpServer for its threads.
using HttpHandler = std::function<HttpResponse(const HttpRequest& request)>;

// Takes the answer to one request, on any thread. To be called once; does not block.
using HttpDone = std::function<void(HttpResponse response)>;

// Begins to answer one request, which lasts until `done` is called: before this returns or later,
// on any thread. Must not wait for anybody but the disk.
using HttpTask = std::function<void(const HttpRequest& request, HttpDone done)>;

// Words a refusal that the server itself decided, in the format of the port's callers. `status`
// is the answer's status, `reason` one short sentence about what is wrong that repeats nothing of
// the request. The server sets the status and closes the connection.
using ErrorBody = std::function<HttpResponse(int status, absl::string_view reason)>;

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_HTTP_MESSAGE_H_
