#ifndef ONHOOK_CLIENTS_CPP_TLS_SESSION_H_
#define ONHOOK_CLIENTS_CPP_TLS_SESSION_H_

#include <openssl/types.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/certificate_words.h"
#include "clients/cpp/credential_files.h"
#include "clients/cpp/probe_socket.h"

namespace onhook::client {

// TLS over a ProbeSocket, as gRPC speaks it, of which every detail of a failure is kept.
//
// Why not gRPC's own: it says "handshake failed" of all of them.
// Threads: one. Blocking: up to the deadline. No signal is raised by a peer that goes.
class TlsSession {
 public:
  // How a step ended.
  enum class Step {
    kDone,
    kRefused,   // by this side or the other; see verify_error(), alert()
    kClosed,    // by the other side, without a word
    kTimedOut,  // the deadline has passed
  };

  // `socket` must outlive it. With `verify` the server's certificate must be signed by
  // `credentials`' authorities and be for `server_name`.
  TlsSession(const ProbeSocket* socket, const TlsCredentials& credentials,
             const std::string& server_name, bool verify);
  ~TlsSession();

  Step ShakeHands(absl::Time deadline);
  // Says what a client of HTTP/2 says first, and waits for an answer: where the server judges this
  // side's certificate after the handshake, as in TLS 1.3, only that shows it.
  Step AwaitAnswer(absl::Time deadline);

  // Whether the other side answered as a TLS server does, however it ended.
  bool is_tls() const;
  // Whether it agreed to speak HTTP/2.
  bool is_http2() const;
  // An X509_V_ERR_... for what this side found wrong with the server's certificate; X509_V_OK: it
  // was nothing of that.
  int verify_error() const { return seen_.verify_error; }
  // What the server showed first, its own; and the certificate in which the fault was found. Null:
  // none was seen.
  const X509* leaf() const { return seen_.leaf.get(); }
  const X509* faulty() const { return seen_.faulty.get(); }
  // The alert that the server sent; -1: none.
  int alert() const { return alert_; }
  // Whether the server asked for a certificate, and whose it takes: names, at most a few; empty if
  // it did not say.
  bool certificate_asked() const { return seen_.certificate_asked; }
  std::string AcceptedAuthorities() const;
  // Whether this is one of them.
  bool Accepts(const X509_NAME* authority) const;

 private:
  struct Seen {
    int verify_error = 0;
    X509Pointer leaf{nullptr, nullptr};
    X509Pointer faulty{nullptr, nullptr};
    bool certificate_asked = false;
  };

  static int NoteVerification(int preverified, X509_STORE_CTX* context);
  static int NoteRequest(SSL* ssl, void* seen);

  void Trust(const std::string& ca_pem);
  void Show(const TlsCredentials& credentials);
  void Expect(const std::string& server_name);
  // Repeats `attempt`, an SSL call, until it is done, carrying bytes meanwhile.
  template <typename Attempt>
  Step Carry(absl::Time deadline, Attempt attempt);
  Step Refused();
  bool SendWaiting(absl::Time deadline) const;
  Step Receive(absl::Time deadline) const;

  const ProbeSocket* const socket_;
  Seen seen_;
  int alert_ = -1;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_TLS_SESSION_H_
