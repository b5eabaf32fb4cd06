#ifndef ONHOOK_GATEWAY_HTTP_TLS_STREAM_H_
#define ONHOOK_GATEWAY_HTTP_TLS_STREAM_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/http/connection_stream.h"
#include "gateway/http/refusal.h"
#include "gateway/tls/openssl_objects.h"
#include "gateway/tls/tls_material.h"

namespace onhook {

// The server's end of TLS on a TCP socket.
//
// A peer that ends without TLS's own goodbye is one that sends no more, like any other: how long a
// request has to be is said in its head, so nobody can cut one short unnoticed.
// Threads, blocking: as ConnectionStream's; somebody else may shut the socket down meanwhile.
class TlsStream final : public ConnectionStream {
 public:
  // Whether a TLS connection may begin with this byte.
  static bool IsHandshake(char first_byte) { return first_byte == 0x16; }

  // As PlainStream's, of the same kind of socket. The certificate is that of `material` as long as
  // the stream lives.
  TlsStream(int fd, const TlsMaterial& material, absl::Duration own_timeout, const Clock* clock,
            std::function<void(bool waits)> on_write_waits);
  // Says goodbye, unless the connection is broken. Never waits.
  ~TlsStream() override;

  // To be called first. Nothing: it succeeded within `wait`. Otherwise what the reason is; the peer
  // has been told by TLS's own means, and nothing can be read or written any more.
  std::optional<Refusal> Handshake(absl::Duration wait);

  // Of a peer that showed a certificate which verified; otherwise empty. See HttpRequest.
  const std::string& certificate_pem() const { return certificate_pem_; }
  const std::string& chain_pem() const { return chain_pem_; }

  absl::StatusOr<size_t> Read(char* buffer, size_t size, absl::Duration wait) override;
  absl::Status Write(absl::string_view bytes, absl::Duration wait) override;
  void FinishWriting() override;

 private:
  class Socket;
  // What an operation of OpenSSL came to.
  enum class Outcome { kDone, kAgain, kAwaitsBytes, kAwaitsRoom, kSilence, kEnd, kBroken };

  Outcome OutcomeOf(int result);
  // Waits for what an operation awaits.
  absl::Status Await(Outcome outcome, absl::Duration deadline) const;
  void SayGoodbye();
  void KeepCertificate();

  const int fd_;
  const absl::Duration own_timeout_;
  const Clock* const clock_;
  const std::function<void(bool waits)> on_write_waits_;
  const std::unique_ptr<Socket> socket_;
  const OwnedTls tls_;
  bool is_open_ = false;  // for writing: after the handshake, until something ends it
  std::string certificate_pem_;
  std::string chain_pem_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_TLS_STREAM_H_
