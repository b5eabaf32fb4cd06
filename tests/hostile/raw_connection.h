#ifndef ONHOOK_TESTS_HOSTILE_RAW_CONNECTION_H_
#define ONHOOK_TESTS_HOSTILE_RAW_CONNECTION_H_

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/test_certificates.h"

namespace onhook {

// A connection of an attacker to 127.0.0.1, which can send any bytes at all: over TCP, or TLS.
//
// Nothing it does takes longer than it is told: whoever is attacked may stop reading, or close.
// Threads: one. The server's certificate is not looked at.
class RawConnection {
 public:
  struct Tls {
    std::optional<TestCertificate> certificate;  // the client's own
  };
  // With `tls`, it has done the handshake afterwards, as far as it can tell.
  explicit RawConnection(int port, const std::optional<Tls>& tls = std::nullopt);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False: the other end has closed, or takes nothing for so long. Some may have been sent.
  bool Send(absl::string_view bytes, absl::Duration patience);
  // Beneath TLS.
  bool SendRaw(absl::string_view bytes, absl::Duration patience);

  // Takes what has come, without waiting.
  void Take();
  // Takes what comes until the other end closes. False: it did not in that time.
  bool TakeUntilClosed(absl::Duration patience);
  // Waits until something has come. False: nothing did, or the other end closed before.
  bool AwaitSomething(absl::Duration patience);

  // All that came, after decryption.
  const std::string& received() const { return received_; }
  bool is_closed() const { return closed_; }

 private:
  bool Await(short events, absl::Time until) const;
  // Waits for what OpenSSL wants, if it wants something. False: it does not.
  bool AwaitWish(int result, absl::Time until) const;
  void Handshake(const Tls& tls);

  int socket_ = -1;
  bool closed_ = false;
  std::string received_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_RAW_CONNECTION_H_
