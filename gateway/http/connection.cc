#include "gateway/http/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>
#include <vector>

#include "gateway/base/steady_condition.h"

namespace onhook {

namespace {

// Sends what its peer takes at once, and keeps the rest.
class EagerStream final : public ConnectionStream {
 public:
  EagerStream(int socket, std::string* rest) : socket_(socket), rest_(rest) {}

  absl::StatusOr<size_t> Read(char*, size_t, absl::Duration) override {
    return absl::UnimplementedError("only writes");
  }
  absl::Status Write(absl::string_view bytes, absl::Duration) override {
    while (rest_->empty() && !bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      } else if (errno != EINTR) {
        return absl::UnavailableError("the connection is broken");
      }
    }
    rest_->append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  void FinishWriting() override {}

 private:
  const int socket_;
  std::string* const rest_;
};

}  // namespace

Connection::Connection(const ConnectionContext& context, int socket, std::string peer,
                       ConnectionPlace* place)
    : context_(context),
      options_(context.options.Get()),
      socket_(socket),
      peer_(std::move(peer)),
      place_(place),
      plain_(socket, context.receive_timeout, context.clock,
             [this](bool waits) { NoteWriting(waits); }),
      rank_(context.turns++) {}

Connection::~Connection() {
  tls_.reset();  // says goodbye
  close(socket_);
}

ConnectionStep Connection::Begin() {
  if (context_.tls != nullptr) return ConnectionStep::kWork;
  reader_.emplace(options_, peer_, stream_, context_.clock);
  return MayWait() ? ConnectionStep::kWatch : ConnectionStep::kEnd;
}

bool Connection::MayWait() {
  reader_->Rest();
  // Before looking whether to end, as whoever wants it to says so before looking at these.
  rank_ = context_.turns++;
  idle_timeout_ns_ = absl::ToInt64Nanoseconds(options_->idle_timeout);
  idle_ = !reader_->HasUnread();
  return !context_.idle_ends && !told_to_end_;
}

void Connection::NoteBegun() {
  if (idle_.exchange(false)) rank_ = context_.turns++;
}

ConnectionStep Connection::Take() {
  if (!reader_->HasBegun()) {
    options_ = context_.options.Get();
    reader_->SetOptions(options_);
  }
  const RequestReader::Outcome outcome = reader_->TryRead();
  rest_due_ns_ = kNever;
  switch (outcome) {
    case RequestReader::Outcome::kClosed:
      return ConnectionStep::kEnd;
    case RequestReader::Outcome::kMore:
      if (!reader_->HasBegun()) return ConnectionStep::kWatch;  // woken for nothing
      NoteBegun();
      rest_due_ns_ = absl::ToInt64Nanoseconds(reader_->deadline());
      return ConnectionStep::kWatch;
    case RequestReader::Outcome::kWaits:
      NoteBegun();
      stage_ = Stage::kReading;
      return ConnectionStep::kWork;
    case RequestReader::Outcome::kRefused:
      NoteBegun();
      stage_ = Stage::kRefusing;
      return ConnectionStep::kWork;
    case RequestReader::Outcome::kRequest:
      break;
  }
  idle_ = false;
  rank_ = kInUse;
  stage_ = Stage::kWhole;
  if (context_.task == nullptr) return ConnectionStep::kWork;
  try {
    context_.task(reader_->request(),
                  [this](HttpResponse response) { Answered(std::move(response)); });
  } catch (const std::exception&) {  // a library's; then nobody answers
    Answered(ErrorResponse(refusals::kException));
  }
  return ConnectionStep::kNothing;
}

ConnectionStep Connection::Work() {
  if (!unsent_.empty()) {
    const absl::Status sent = stream_->Write(std::exchange(unsent_, ""), options_->write_timeout);
    if (!sent.ok()) stage_ = Stage::kEnding;
  }
  if (!reader_.has_value()) {
    if (!Secure(options_->idle_timeout, options_->head_timeout)) return ConnectionStep::kEnd;
    reader_.emplace(options_, peer_, stream_, context_.clock);
    if (tls_.has_value()) reader_->SetCertificate(tls_->certificate_pem(), tls_->chain_pem());
  }
  while (stage_ != Stage::kEnding) {
    if (stage_ == Stage::kBetween) {
      if (!MayWait()) return ConnectionStep::kEnd;
      if (!tls_.has_value() && !reader_->HasUnread()) return ConnectionStep::kWatch;
      if (!reader_->WaitForRequest()) return ConnectionStep::kEnd;
      NoteBegun();
      options_ = context_.options.Get();
      reader_->SetOptions(options_);
      stage_ = Stage::kReading;
    }
    if (stage_ == Stage::kRefusing) Refuse(RefusalOfReader());
    if (stage_ == Stage::kReading && !ReadRequest()) return ConnectionStep::kEnd;
    if (stage_ != Stage::kWhole || !AnswerRequest()) break;
    stage_ = Stage::kBetween;
  }
  // A client that did not ask for the end may be sending already.
  if (stage_ != Stage::kRefusing && reader_->head().keep_alive) Linger();
  return ConnectionStep::kEnd;
}

bool Connection::ReadRequest() {
  switch (reader_->Read()) {
    case RequestReader::Outcome::kRefused:
      Refuse(RefusalOfReader());
      return false;
    case RequestReader::Outcome::kRequest:
      rank_ = kInUse;
      stage_ = Stage::kWhole;
      return true;
    case RequestReader::Outcome::kClosed:
    case RequestReader::Outcome::kMore:
    case RequestReader::Outcome::kWaits:
      return false;
  }
  return false;
}

// If it was us who ended the reading, the request is not at fault.
const Refusal& Connection::RefusalOfReader() const {
  const Refusal& refusal = reader_->refusal();
  return told_to_end_ && refusal.label == refusals::kEndsEarly.label ? refusals::kTooManyConnections
                                                                     : refusal;
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

bool Connection::IsLast(const HttpResponse& response) const {
  return response.close || !reader_->head().keep_alive || context_.answers_are_last || told_to_end_;
}

HttpResponse Connection::Respond() {
  const HttpRequest& request = reader_->request();
  if (context_.task == nullptr) return context_.handler(request);
  HttpResponse response;
  SteadyNotification answered;
  context_.task(request, [&](HttpResponse answer) {
    response = std::move(answer);
    answered.Notify();
  });
  answered.Wait();
  return response;
}

bool Connection::AnswerRequest() {
  const auto respond = [this] {
    HttpResponse response = Respond();
    response.close = IsLast(response);
    return response;
  };
  const auto respond_after_exception = [this] { return ErrorResponse(refusals::kException); };
  return context_.front_end.Answer(
      {reader_->request().method == "HEAD", reader_->head().minor_version == 0,
       options_->write_timeout, respond, respond_after_exception},
      *stream_);
}

void Connection::Answered(HttpResponse response) noexcept {
  context_.go_on(this, Send(std::move(response)));
}

ConnectionStep Connection::Send(HttpResponse response) {
  response.close = IsLast(response);
  const auto respond = [&response] { return std::move(response); };
  EagerStream stream(socket_, &unsent_);
  const bool goes_on = context_.front_end.Answer(
      {reader_->request().method == "HEAD", reader_->head().minor_version == 0,
       options_->write_timeout, respond, respond},
      stream);
  stage_ = goes_on ? Stage::kBetween : Stage::kEnding;
  if (!unsent_.empty()) return ConnectionStep::kWork;
  if (!goes_on) {
    return reader_->head().keep_alive ? ConnectionStep::kWork : ConnectionStep::kEnd;
  }
  if (reader_->HasUnread()) return ConnectionStep::kWork;
  return MayWait() ? ConnectionStep::kWatch : ConnectionStep::kEnd;
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

void Connection::CloseIfSilent(absl::Duration now) {
  if (context_.tls != nullptr) return;
  // Of a request whose time is over: wakes it, and whoever takes it will find that out.
  if (absl::ToInt64Nanoseconds(now) >= rest_due_ns_) CloseUnlessInUse();
  const uint64_t rank = rank_;
  if (!idle_ || rank != seen_rank_) {
    seen_rank_ = rank;
    seen_at_ = now;
  } else if (now - seen_at_ >= absl::Nanoseconds(idle_timeout_ns_.load())) {
    CloseUnlessInUse();
  }
}

void Connection::Cut() { shutdown(socket_, SHUT_RDWR); }

}  // namespace onhook
