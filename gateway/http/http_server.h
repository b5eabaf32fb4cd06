#ifndef ONHOOK_GATEWAY_HTTP_HTTP_SERVER_H_
#define ONHOOK_GATEWAY_HTTP_HTTP_SERVER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/http_options.h"
#include "gateway/http/connection_watch.h"
#include "gateway/http/http_message.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// An HTTP/1.1 listener: cpp-httplib makes the answers, with a connection layer of our own between
// the sockets and its request processing. That layer exists because a public port meets every kind
// of malformed, slow and greedy client, and the handler must meet none of them.
//
// Promises:
//   P1 whole      The handler sees a request only after its last byte has been read and checked.
//   P2 bounded    Size, number, time, connections and threads are limited by HttpOptions.
//   P3 strict     What RFC 9112 lets two readers understand differently is refused, and the
//                 connection closed: nothing of it is ever taken for a request.
//   P4 in order   Requests of one connection are answered one after the other; pipelined ones wait.
//   P5 answered   A refusal reaches the client before the connection closes.
//   P6 honest     HttpRequest::peer comes from the socket.
//   P7 open       Slow and idle connections keep nobody out for longer than their time limits; a
//                 listener that takes no connection is noticed, reported and opened again.
// Threads: all methods from one owner, but port(), alive() and connections() from any thread. A
// connection takes a thread of its own only while one has to wait for its peer or its handler;
// several calls of handler, task and ErrorBody run at once. The other callbacks are called on any
// thread and must not block.
// Blocking: Start() until the port is open; Stop() as long as its grace.
// Errors: only Start() has any; clients are told theirs.
class HttpServer {
 public:
  struct Callbacks {
    // Answers each request, on a thread of its connection's.
    HttpHandler handler;
    ErrorBody error_body;
    // Told once each time the listener dies or falls silent; it goes on trying to listen again.
    // Optional.
    std::function<void(const absl::Status& why)> on_listener_failed;
    // Told once, some time after on_listener_failed, if that did not help
    // (HttpOptions::self_dials_until_given_up): only a new process might. Optional.
    std::function<void(const absl::Status& why)> on_listener_given_up;
    // Told of every refusal in REFUSALS.md by its label, before it is answered. Optional.
    std::function<void(absl::string_view label)> on_refused;
    // Instead of the handler, for servers of many requests: only begins to answer. Optional.
    HttpTask task = nullptr;
    // Called around all the calls of `task` for which there is cause at one moment. Optional.
    Together together = nullptr;
  };

  // `clock` and `log` must outlive the server, and so must `tls`; null: HTTP without TLS.
  HttpServer(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log,
             const TlsFiles* tls = nullptr);
  // Stops with no grace.
  ~HttpServer();

  // OK: the port is open and requests are being answered. Errors leave nothing behind:
  // kInvalidArgument the address is not HOST:PORT, or a limit is not positive; kAlreadyExists
  // another socket has the port; kUnavailable the address cannot be listened on.
  absl::Status Start();

  // Other limits, times and uncapped_peers hold from now on: for connections that come, and for
  // each request that begins, on connections there are. How the port itself was opened (listen,
  // backlog, the dials) stays as it is. Threads: any.
  void SetLimits(const HttpOptions& options);

  // From now on every answer is its connection's last, and says so: whoever posts again comes by
  // another connection, which may lead to another server. Connections are accepted as before.
  // Threads: any.
  void CloseAfterAnswers();

  // Does that, accepts no more, lets requests in flight be answered for up to `grace`, then cuts
  // the connections that are left. For the first `idle_grace` of that an idle connection stays
  // open: the request that is on its way over it when the end comes is answered, not lost. Returns
  // when no handler runs any more, which the handlers themselves must bound. A second call does
  // nothing.
  void Stop(absl::Duration grace, absl::Duration idle_grace = absl::ZeroDuration());

  // The open port; 0 before Start().
  int port() const;

  // Whether connections are being accepted.
  bool alive() const;

  // Connections that are being served.
  int connections() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_HTTP_SERVER_H_
