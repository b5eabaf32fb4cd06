#include "gateway/http/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "absl/cleanup/cleanup.h"

namespace onhook {

// A socket as OpenSSL sees it. Its own would write with a signal for whom the peer has left, wait
// where we must not, and take the end of what the peer sends for the end of the connection, so that
// nothing could be answered any more.
class TlsStream::Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}

  // A view of it for OpenSSL, which owns the view.
  BIO* NewBio() {
    static BIO_METHOD* const method = NewMethod();
    BIO* const bio = BIO_new(method);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    return bio;
  }

  // The next receive may wait as long as the socket's own timeout.
  void set_waits(bool waits) { waits_ = waits; }
  // Since Forget(): there was nothing to receive, or nothing in the time that it waited, or there
  // never will be.
  bool was_empty() const { return was_empty_; }
  bool was_silent() const { return was_silent_; }
  bool has_ended() const { return has_ended_; }
  void Forget() { was_empty_ = was_silent_ = has_ended_ = false; }

 private:
  static BIO_METHOD* NewMethod() {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(method, [](BIO* bio, char* buffer, int size) {
      BIO_clear_retry_flags(bio);
      const ssize_t got = Of(bio).Receive(buffer, static_cast<size_t>(size));
      if (got < 0 && Of(bio).was_empty_) BIO_set_retry_read(bio);
      return static_cast<int>(got);
    });
    BIO_meth_set_write(method, [](BIO* bio, const char* bytes, int size) {
      BIO_clear_retry_flags(bio);
      const ssize_t sent = Of(bio).Send(bytes, static_cast<size_t>(size));
      if (sent < 0 && WouldBlock()) BIO_set_retry_write(bio);
      return static_cast<int>(sent);
    });
    BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return method;
  }

  static Socket& Of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }
  static bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

  ssize_t Receive(char* buffer, size_t size) {
    while (true) {
      const ssize_t got = recv(fd_, buffer, size, waits_ ? 0 : MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      was_silent_ = got < 0 && WouldBlock() && waits_;
      has_ended_ = got == 0;
      was_empty_ = (got < 0 && WouldBlock()) || has_ended_;
      waits_ = false;
      return got > 0 ? got : -1;
    }
  }

  ssize_t Send(const char* bytes, size_t size) const {
    while (true) {
      const ssize_t sent = send(fd_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0 || errno != EINTR) return sent;
    }
  }

  const int fd_;
  bool waits_ = false;
  bool was_empty_ = false;
  bool was_silent_ = false;
  bool has_ended_ = false;
};

namespace {

absl::Status Broken() { return absl::UnavailableError("the connection is broken"); }

int AtMost(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

// What OpenSSL says of a handshake that failed.
Refusal RefusalFor(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return refusals::kTlsHandshake;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return refusals::kTlsVersion;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return refusals::kTlsClientCertificate;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return refusals::kTlsNotTrusted;
    default:
      return refusals::kTlsHandshake;
  }
}

void AppendPem(X509* certificate, std::string& pem) {
  const OwnedBio memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(memory.get(), certificate) != 1) return;
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  pem.append(bytes, static_cast<size_t>(size));
}

}  // namespace

TlsStream::TlsStream(int fd, const TlsMaterial& material, absl::Duration own_timeout,
                     const Clock* clock, std::function<void(bool waits)> on_write_waits)
    : fd_(fd),
      own_timeout_(own_timeout),
      clock_(clock),
      on_write_waits_(std::move(on_write_waits)),
      socket_(std::make_unique<Socket>(fd)),
      tls_(SSL_new(material.context.get())) {
  BIO* const bio = socket_->NewBio();
  SSL_set_bio(tls_.get(), bio, bio);
  SSL_set_accept_state(tls_.get());
}

TlsStream::~TlsStream() { SayGoodbye(); }

TlsStream::Outcome TlsStream::OutcomeOf(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_NONE:
      return Outcome::kDone;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kEnd;
    case SSL_ERROR_WANT_READ:
      if (socket_->has_ended()) return Outcome::kEnd;
      if (socket_->was_silent()) return Outcome::kSilence;
      // If bytes came, they were a record without content: the next one may have some.
      return socket_->was_empty() ? Outcome::kAwaitsBytes : Outcome::kAgain;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kAwaitsRoom;
    default:
      is_open_ = false;
      return Outcome::kBroken;
  }
}

absl::Status TlsStream::Await(Outcome outcome, absl::Duration deadline) const {
  if (outcome == Outcome::kAgain) {
    if (clock_->Elapsed() < deadline) return absl::OkStatus();
    return absl::DeadlineExceededError("the peer is too slow");
  }
  const short events = outcome == Outcome::kAwaitsRoom ? POLLOUT : POLLIN;
  return WaitForSocket(fd_, events, deadline, *clock_);
}

std::optional<Refusal> TlsStream::Handshake(absl::Duration wait) {
  ERR_clear_error();
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  const absl::Duration deadline = clock_->Elapsed() + wait;
  while (true) {
    socket_->Forget();
    const Outcome outcome = OutcomeOf(SSL_do_handshake(tls_.get()));
    if (outcome == Outcome::kDone) break;
    if (outcome == Outcome::kBroken) return RefusalFor(ERR_peek_error());
    if (outcome == Outcome::kEnd || !Await(outcome, deadline).ok()) return refusals::kTlsHandshake;
  }
  is_open_ = true;
  KeepCertificate();
  return std::nullopt;
}

void TlsStream::KeepCertificate() {
  const OwnedCertificate certificate(SSL_get1_peer_certificate(tls_.get()));
  if (certificate == nullptr || SSL_get_verify_result(tls_.get()) != X509_V_OK) return;
  AppendPem(certificate.get(), certificate_pem_);
  const STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(tls_.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) AppendPem(sk_X509_value(chain, i), chain_pem_);
}

absl::StatusOr<size_t> TlsStream::Read(char* buffer, size_t size, absl::Duration wait) {
  ERR_clear_error();
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  socket_->set_waits(wait == own_timeout_);
  absl::Duration deadline = absl::InfiniteDuration();
  while (true) {
    socket_->Forget();
    const int got = SSL_read(tls_.get(), buffer, AtMost(size));
    const Outcome outcome = OutcomeOf(got);
    socket_->set_waits(false);
    if (outcome == Outcome::kDone) return static_cast<size_t>(got);
    if (outcome == Outcome::kEnd) return 0;
    if (outcome == Outcome::kBroken) return Broken();
    if (outcome == Outcome::kSilence) return absl::DeadlineExceededError("the peer is silent");
    if (deadline == absl::InfiniteDuration()) deadline = clock_->Elapsed() + wait;
    if (absl::Status ready = Await(outcome, deadline); !ready.ok()) return ready;
  }
}

absl::Status TlsStream::Write(absl::string_view bytes, absl::Duration wait) {
  ERR_clear_error();
  absl::Duration deadline = absl::InfiniteDuration();
  bool waits = false;
  const auto tell = [this, &waits](bool now) {
    if (on_write_waits_ != nullptr && waits != now) on_write_waits_(now);
    waits = now;
  };
  const auto done = absl::MakeCleanup([&tell] {
    tell(false);
    ERR_clear_error();
  });
  while (!bytes.empty()) {
    if (!is_open_) return Broken();
    socket_->Forget();
    const int sent = SSL_write(tls_.get(), bytes.data(), AtMost(bytes.size()));
    const Outcome outcome = OutcomeOf(sent);
    if (outcome == Outcome::kDone) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (outcome == Outcome::kBroken || outcome == Outcome::kEnd) return Broken();
    if (deadline == absl::InfiniteDuration()) deadline = clock_->Elapsed() + wait;
    tell(true);
    if (absl::Status ready = Await(outcome, deadline); !ready.ok()) {
      // Part of a record is sent, so nothing that came behind it would be understood.
      is_open_ = false;
      return ready;
    }
  }
  return absl::OkStatus();
}

void TlsStream::FinishWriting() {
  SayGoodbye();
  shutdown(fd_, SHUT_WR);
}

void TlsStream::SayGoodbye() {
  if (!std::exchange(is_open_, false)) return;
  SSL_shutdown(tls_.get());
  ERR_clear_error();
}

}  // namespace onhook
