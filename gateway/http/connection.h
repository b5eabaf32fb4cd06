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
#include "gateway/http/request_reader.h"
#include "gateway/http/tls_stream.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

class Connection;
struct ConnectionPlace;

// What is to be done with a connection next. Whoever is told so has it to himself.
enum class ConnectionStep {
  kWatch,   // wait until its peer has sent something, then Take()
  kWork,    // Work(), on a thread that may wait
  kEnd,     // destroy it
  kNothing  // it is another's now, or gone
};

// What all connections of a server share; outlives them.
struct ConnectionContext {
  const Exchangeable<HttpOptions>& options;
  absl::Duration receive_timeout;  // that accepted sockets have
  const HttpHandler& handler;
  const HttpTask& task;  // instead of the handler, if not empty
  // Takes a connection over from where an answer was given, on any thread; must not block.
  const std::function<void(Connection* connection, ConnectionStep step)>& go_on;
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
// It belongs to one thread at a time, and takes one only while that is needed: a request that comes
// whole is taken without waiting, and its answer is sent by whoever gives it.
// Threads: Begin, Take, Work and TurnAway, whoever it belongs to; the rest from any, while the
// object exists. Blocking: Work and TurnAway.
class Connection {
 public:
  // The rank of a connection with a whole request, until its client lets the answer wait.
  static constexpr uint64_t kInUse = std::numeric_limits<uint64_t>::max();

  // Owns `socket`, which AcceptLoop has prepared. `place` is its owner's.
  Connection(const ConnectionContext& context, int socket, std::string peer,
             ConnectionPlace* place = nullptr);
  ~Connection();

  int socket() const { return socket_; }
  ConnectionPlace* place() const { return place_; }

  // What one thread did is seen by the one that has the connection next: what the system hands from
  // one to the other, as an event of a descriptor, is no order in the language's eyes.
  void GiveAway() { hand_overs_.fetch_add(1, std::memory_order_release); }
  void TakeOver() { hand_overs_.load(std::memory_order_acquire); }

  // What is to be done first.
  ConnectionStep Begin();

  // Takes what was sent, without waiting. Not for TLS.
  ConnectionStep Take();

  // Goes on with what waiting may be needed for. With TLS, until the end of the connection.
  ConnectionStep Work();

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

  // Does so if it has been idle for its idle timeout by the looks of whoever calls this now and
  // then, one at a time; and has a request that is late in coming refused. For connections that are
  // watched; threads see to their own times.
  void CloseIfSilent(absl::Duration now);

  // Breaks the connection, whatever it is doing.
  void Cut();

 private:
  // Waits for the first byte of a handshake, and has that done, if the port has TLS. Whether there
  // may be requests now; if not, whoever is there has been told.
  bool Secure(absl::Duration wait_for_first_byte, absl::Duration handshake_time);
  void NoteRefusal(const Refusal& refusal) const;

  enum class Stage {
    kBetween,   // requests
    kReading,   // one that has begun
    kRefusing,  // one
    kWhole,     // one is to be answered
    kEnding,    // an answer was the last
  };

  // Between requests: whether to wait for another one.
  bool MayWait();
  // It has begun to come.
  void NoteBegun();
  // Each returns whether the connection may go on.
  bool ReadRequest();
  bool AnswerRequest();
  HttpResponse Respond();
  // The answer has been found, on any thread: sends it, and says what is next.
  void Answered(HttpResponse response) noexcept;
  ConnectionStep Send(HttpResponse response);
  bool IsLast(const HttpResponse& response) const;
  const Refusal& RefusalOfReader() const;
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
  ConnectionPlace* const place_;
  Stage stage_ = Stage::kBetween;
  std::string unsent_;  // of an answer that its client did not take at once
  PlainStream plain_;
  std::optional<TlsStream> tls_;
  std::optional<RequestReader> reader_;  // once there may be requests
  ConnectionStream* stream_ = &plain_;   // the one of both that requests come by
  std::atomic<uint64_t> rank_;
  std::atomic<bool> idle_{true};
  std::atomic<bool> told_to_end_{false};
  std::atomic<bool> write_waits_{false};
  std::atomic<uint32_t> hand_overs_{0};
  // When the rest of a request that is watched has to be there, of Clock::Elapsed().
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> rest_due_ns_{kNever};
  std::atomic<int64_t> idle_timeout_ns_{kNever};  // that holds until the next request
  // Of CloseIfSilent: the rank it saw last, and since when.
  uint64_t seen_rank_ = kInUse;
  absl::Duration seen_at_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_H_
