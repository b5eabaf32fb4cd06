#ifndef ONHOOK_GATEWAY_HTTP_CONNECTION_H_
#define ONHOOK_GATEWAY_HTTP_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/config/http_options.h"
#include "gateway/http/connection_stream.h"
#include "gateway/http/front_end.h"
#include "gateway/http/http_message.h"
#include "gateway/http/refusal.h"
#include "gateway/http/tls_stream.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// What all connections of a server share; outlives them.
struct ConnectionContext {
  const Exchangeable<HttpOptions>& options;
  absl::Duration receive_timeout;  // that accepted sockets have
  const HttpHandler& handler;
  const ErrorBody& error_body;
  const std::function<void(absl::string_view label)>& on_refused;  // may be empty
  FrontEnd& front_end;
  const TlsFiles* tls;  // null: HTTP as it comes
  const Clock* clock;
  const std::atomic<bool>& answers_are_last;  // each ends its connection, and says so
  const std::atomic<bool>& idle_ends;         // nobody waits for a request any more
  std::atomic<uint64_t>& turns;  // orders the moments at which connections began to wait
};

// One connection: reads its requests, has each answered, says why when it must end.
//
// Threads: Serve() or TurnAway(), once, on the connection's own; the rest from any, while the
// object exists. Blocking: the former two until the connection is at its end.
class Connection {
 public:
  // The rank of a connection with a whole request, until its client lets the answer wait.
  static constexpr uint64_t kInUse = std::numeric_limits<uint64_t>::max();

  // Owns `socket`, which AcceptLoop has prepared.
  Connection(const ConnectionContext& context, int socket, std::string peer);
  ~Connection();

  // Serves requests until either side ends the connection.
  void Serve();

  // Reads no request, answers 503 with Retry-After.
  void TurnAway();

  // The lower, the sooner it may end for another: when it began to wait for a request, for the rest
  // of one, or for its client to take the answer.
  uint64_t rank() const { return rank_; }

  // Wakes a connection that waits for a request, so that it ends. If one has just begun to come, it
  // is served if it is whole, and else told to come again. One that is being served ends after its
  // answer, once ConnectionContext::answers_are_last is set.
  void CloseIfIdle();

  // The same for a connection whose request is still coming; one that is being served ends after
  // its answer. One whose client does not take its answer is broken.
  void CloseUnlessInUse();

  // Breaks the connection, whatever it is doing.
  void Cut();

 private:
  // Waits for the first byte of a handshake, and has that done, if the port has TLS. Whether there
  // may be requests now; if not, whoever is there has been told.
  bool Secure(absl::Duration wait_for_first_byte, absl::Duration handshake_time);
  void NoteRefusal(const Refusal& refusal) const;

  // Both return whether the connection may go on.
  bool AnswerRequest(const HttpRequest& request, bool keep_alive, bool is_http_1_0);
  void Refuse(const Refusal& refusal);
  HttpResponse ErrorResponse(const Refusal& refusal) const;

  // The client does not take what is written to it, or does so again.
  void NoteWriting(bool waits);

  // Sends the end of the stream and drops what the client is still sending, so that the answer is
  // not destroyed by a reset.
  void Linger();

  const ConnectionContext& context_;
  // As they were when the connection, or the request that it is at, began.
  std::shared_ptr<const HttpOptions> options_;
  const int socket_;
  const std::string peer_;
  PlainStream plain_;
  std::optional<TlsStream> tls_;
  ConnectionStream* stream_ = &plain_;  // the one of both that requests come by
  std::atomic<uint64_t> rank_;
  std::atomic<bool> idle_{true};
  std::atomic<bool> told_to_end_{false};
  std::atomic<bool> write_waits_{false};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_H_
