#include "tests/hostile/raw_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace onhook {
namespace {

constexpr absl::Duration kHandshakePatience = absl::Seconds(30);

void UseCertificate(SSL_CTX* context, const TestCertificate& certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
      BIO_new_mem_buf(certificate.certificate_pem.data(),
                      static_cast<int>(certificate.certificate_pem.size())),
      BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(
      PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), X509_free);
  SSL_CTX_use_certificate(context, leaf.get());
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_pem(
      BIO_new_mem_buf(certificate.key_pem.data(), static_cast<int>(certificate.key_pem.size())),
      BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  SSL_CTX_use_PrivateKey(context, key.get());
}

}  // namespace

RawConnection::RawConnection(int port, const std::optional<Tls>& tls)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      context_(nullptr, SSL_CTX_free),
      ssl_(nullptr, SSL_free) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  closed_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0;
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(socket_, F_SETFL, O_NONBLOCK);
  if (tls.has_value()) Handshake(*tls);
}

RawConnection::~RawConnection() { close(socket_); }

void RawConnection::Handshake(const Tls& tls) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  if (tls.certificate.has_value()) UseCertificate(context_.get(), *tls.certificate);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static constexpr unsigned char kProtocols[] = "\x02h2";
  SSL_set_alpn_protos(ssl_.get(), kProtocols, sizeof kProtocols - 1);
  SSL_set_fd(ssl_.get(), socket_);
  const absl::Time until = absl::Now() + kHandshakePatience;
  while (!closed_) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return;
    closed_ = !AwaitWish(result, until);
  }
}

bool RawConnection::Await(short events, absl::Time until) const {
  pollfd wanted{socket_, events, 0};
  const int64_t left = absl::ToInt64Milliseconds(until - absl::Now());
  return poll(&wanted, 1, static_cast<int>(std::max<int64_t>(left, 0))) == 1;
}

bool RawConnection::AwaitWish(int result, absl::Time until) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Await(POLLIN, until);
    case SSL_ERROR_WANT_WRITE:
      return Await(POLLOUT, until);
    default:
      return false;
  }
}

bool RawConnection::SendRaw(absl::string_view bytes, absl::Duration patience) {
  while (!bytes.empty() && !closed_) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno != EAGAIN) {
      closed_ = true;
    } else if (!Await(POLLOUT, absl::Now() + patience)) {
      return false;
    }
  }
  return !closed_;
}

bool RawConnection::Send(absl::string_view bytes, absl::Duration patience) {
  if (ssl_ == nullptr) return SendRaw(bytes, patience);
  while (!bytes.empty() && !closed_) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), sent);
    closed_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    if (!closed_ && !AwaitWish(sent, absl::Now() + patience)) return false;
  }
  return !closed_;
}

void RawConnection::Take() {
  char buffer[16 * 1024];
  while (!closed_) {
    if (ssl_ == nullptr) {
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got > 0) received_.append(buffer, static_cast<size_t>(got));
      if (got < 0 && errno == EAGAIN) return;
      closed_ = got <= 0;
    } else {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (got > 0) {
        received_.append(buffer, static_cast<size_t>(got));
        continue;
      }
      const int error = SSL_get_error(ssl_.get(), got);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
      closed_ = true;
    }
  }
}

bool RawConnection::TakeUntilClosed(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  for (Take(); !closed_; Take()) {
    if (!Await(POLLIN, until)) return false;
  }
  return true;
}

bool RawConnection::AwaitSomething(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  for (Take(); received_.empty(); Take()) {
    if (closed_ || !Await(POLLIN, until)) return false;
  }
  return true;
}

}  // namespace onhook
