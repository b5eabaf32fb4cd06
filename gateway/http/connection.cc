#include "gateway/http/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "gateway/http/request_reader.h"

namespace onhook {

Connection::Connection(const ConnectionContext& context, int socket, std::string peer)
    : context_(context),
      options_(context.options.Get()),
      socket_(socket),
      peer_(std::move(peer)),
      plain_(socket, context.receive_timeout, context.clock,
             [this](bool waits) { NoteWriting(waits); }),
      rank_(context.turns++) {}

Connection::~Connection() {
  tls_.reset();  // says goodbye
  close(socket_);
}

void Connection::Serve() {
  if (!Secure(options_->idle_timeout, options_->head_timeout)) return;
  RequestReader reader(options_, peer_, stream_, context_.clock);
  if (tls_.has_value()) reader.SetCertificate(tls_->certificate_pem(), tls_->chain_pem());
  while (true) {
    // Before looking whether to end, as whoever wants it to says so before looking at these.
    rank_ = context_.turns++;
    idle_ = !reader.HasUnread();
    if (context_.idle_ends || told_to_end_ || !reader.WaitForRequest()) return;
    if (idle_.exchange(false)) rank_ = context_.turns++;
    options_ = context_.options.Get();
    reader.SetOptions(options_);
    switch (reader.Read()) {
      case RequestReader::Outcome::kClosed:
        return;
      case RequestReader::Outcome::kRefused:
        // If it was us who ended the reading, the request is not at fault.
        Refuse(told_to_end_ && reader.refusal().label == refusals::kEndsEarly.label
                   ? refusals::kTooManyConnections
                   : reader.refusal());
        return;
      case RequestReader::Outcome::kRequest:
        rank_ = kInUse;
        break;
    }
    const bool keep_alive = reader.head().keep_alive;
    if (!AnswerRequest(reader.request(), keep_alive, reader.head().minor_version == 0)) {
      // A client that did not ask for the end may be sending already.
      if (keep_alive) Linger();
      return;
    }
  }
}

bool Connection::Secure(absl::Duration wait_for_first_byte, absl::Duration handshake_time) {
  if (context_.tls == nullptr) return true;
  // The same order as in Serve().
  if (context_.idle_ends || told_to_end_) return false;
  char first = 0;
  const absl::StatusOr<size_t> got = plain_.Peek(&first, wait_for_first_byte);
  if (!got.ok() || *got == 0) return false;
  if (idle_.exchange(false)) rank_ = context_.turns++;
  if (!TlsStream::IsHandshake(first)) {
    Refuse(refusals::kPlainHttp);
    return false;
  }
  tls_.emplace(socket_, *context_.tls->Get(), context_.receive_timeout, context_.clock,
               [this](bool waits) { NoteWriting(waits); });
  const std::optional<Refusal> failure = tls_->Handshake(handshake_time);
  if (failure.has_value()) {
    NoteRefusal(told_to_end_ ? refusals::kTooManyConnections : *failure);
    Linger();
    return false;
  }
  stream_ = &*tls_;
  return true;
}

bool Connection::AnswerRequest(const HttpRequest& request, bool keep_alive, bool is_http_1_0) {
  const auto respond = [&] {
    HttpResponse response = context_.handler(request);
    response.close = response.close || !keep_alive || context_.answers_are_last || told_to_end_;
    return response;
  };
  const auto respond_after_exception = [&] { return ErrorResponse(refusals::kException); };
  return context_.front_end.Answer({request.method == "HEAD", is_http_1_0, options_->write_timeout,
                                    respond, respond_after_exception},
                                   *stream_);
}

void Connection::TurnAway() {
  const absl::Duration time = options_->linger_timeout;
  if (Secure(time, time)) Refuse(refusals::kTooManyConnections);
}

void Connection::Refuse(const Refusal& refusal) {
  const auto respond = [&] { return ErrorResponse(refusal); };
  context_.front_end.Answer({false, false, options_->write_timeout, respond, respond}, *stream_);
  Linger();
}

HttpResponse Connection::ErrorResponse(const Refusal& refusal) const {
  NoteRefusal(refusal);
  HttpResponse response = context_.error_body(refusal.status, refusal.reason);
  response.status = refusal.status;
  response.close = true;
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void Connection::NoteRefusal(const Refusal& refusal) const {
  if (context_.on_refused) context_.on_refused(refusal.label);
}

// Answers are small: what does not fit into the system's buffers is for somebody who asks on and on
// and does not read. He could hold a place for as long as he likes.
void Connection::NoteWriting(bool waits) {
  write_waits_ = waits;
  if (!waits) return;
  rank_ = context_.turns++;
  // Whoever wants it to end says so before looking at these.
  if (told_to_end_) Cut();
}

void Connection::Linger() {
  rank_ = context_.turns++;
  stream_->FinishWriting();
  std::vector<char> dropped(16 * 1024);
  const absl::Duration deadline = context_.clock->Elapsed() + options_->linger_timeout;
  size_t left = options_->max_linger_bytes;
  while (true) {
    const absl::Duration wait = deadline - context_.clock->Elapsed();
    if (wait <= absl::ZeroDuration()) return;
    const absl::StatusOr<size_t> got = stream_->Read(dropped.data(), dropped.size(), wait);
    if (!got.ok() || *got == 0 || *got >= left) return;
    left -= *got;
  }
}

void Connection::CloseIfIdle() {
  if (idle_) CloseUnlessInUse();
}

void Connection::CloseUnlessInUse() {
  told_to_end_ = true;
  if (rank_ != kInUse) shutdown(socket_, write_waits_ ? SHUT_RDWR : SHUT_RD);
}

void Connection::Cut() { shutdown(socket_, SHUT_RDWR); }

}  // namespace onhook
