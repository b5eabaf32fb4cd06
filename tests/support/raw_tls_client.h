#ifndef ONHOOK_TESTS_SUPPORT_RAW_TLS_CLIENT_H_
#define ONHOOK_TESTS_SUPPORT_RAW_TLS_CLIENT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/tls/openssl_objects.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/test_certificates.h"

namespace onhook {

// The same over TLS. It is done between two pieces of memory, so that a test has every byte of it
// in its hands.
class RawTlsClient final : public RawHttpClient {
 public:
  struct Options {
    std::string ca_pem;           // who must have signed the server's certificate; empty: anybody
    TestCertificate certificate;  // to show; empty: none
    int version = 0;              // TLS1_2_VERSION, for instance; 0: any
    bool byte_by_byte = false;    // each byte in a packet of its own
  };

  RawTlsClient(int port, const Options& options);
  explicit RawTlsClient(int port) : RawTlsClient(port, Options()) {}

  // Whether the handshake succeeded, as far as the client can tell.
  bool secured() const { return secured_; }
  // The certificate that the server showed, in PEM.
  std::string ServerCertificate() const;
  // Why the server ended it, as its alert says: "tlsv1 alert unknown ca"; "" if there was none.
  // To be asked when the connection has ended.
  const std::string& alert() const { return alert_; }

  RawHttpClient& Send(absl::string_view bytes) override;
  // Says goodbye, too.
  RawHttpClient& FinishSending() override;
  // The same without the goodbye.
  RawTlsClient& Truncate();
  // Asks for another handshake, of TLS 1.2; or for new keys, of TLS 1.3. `times` such requests.
  RawTlsClient& Renegotiate();
  RawTlsClient& UpdateKeys(int times);

  // The first message of a handshake, for who wants to send it by himself.
  static std::string ClientHello();

 protected:
  ssize_t Receive(char* buffer, size_t size) override;

 private:
  // Whether OpenSSL wants more bytes after `result`; sends what it has to say.
  bool WantsMore(int result);
  // Gives OpenSSL what the server sends. False: nothing more comes.
  bool Feed();
  void Flush();

  const OwnedTlsContext context_;
  const OwnedTls tls_;
  BIO* const incoming_;
  BIO* const outgoing_;
  const bool byte_by_byte_;
  bool secured_ = false;
  std::string alert_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_RAW_TLS_CLIENT_H_
