#ifndef ONHOOK_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define ONHOOK_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// A certificate and its key, in PEM.
struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;  // PKCS #8, without a passphrase
};

// Where Write put one.
struct TestCertificateFiles {
  std::string certificate_file;
  std::string key_file;
};

// What a certificate is to say.
struct TestCertificateRequest {
  std::string common_name = "test";
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // "127.0.0.1"
  absl::Time not_before = absl::Now() - absl::Hours(1);
  absl::Time not_after = absl::Now() + absl::Hours(24);
  // Of its extended key usage; empty: there is none.
  std::string usage = "serverAuth";
  int rsa_bits = 0;  // of its key; 0: a key of P-256
};

// An authority that lives as long as its test: nothing that expires lies in the repository.
//
// Keys are of P-256 by default, since those cost a fraction of a millisecond. Whatever fails ends
// the test's process. Threads: one. Copies are the same authority.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Authority",
                         absl::Time not_before = absl::Now() - absl::Hours(1),
                         absl::Time not_after = absl::Now() + absl::Hours(48));

  const std::string& certificate_pem() const { return certificate_pem_; }

  TestCertificate Issue(const TestCertificateRequest& request) const;

  // For localhost, 127.0.0.1 and ::1.
  TestCertificate ServerCertificate() const;
  // For clients, with one URI: "spiffe://example.org/billing".
  TestCertificate ClientCertificate(const std::string& uri) const;
  // The same, with a DNS name.
  TestCertificate ClientCertificateOfHost(const std::string& dns_name) const;

  // One whose own certificate this one signs.
  TestAuthority Subordinate(const std::string& name) const;

 private:
  TestAuthority(std::shared_ptr<X509> certificate, std::shared_ptr<EVP_PKEY> key);

  std::string certificate_pem_;
  std::shared_ptr<X509> certificate_;
  std::shared_ptr<EVP_PKEY> key_;
};

// One that nobody but itself vouches for.
TestCertificate SignedByItself(const TestCertificateRequest& request);

// The key in PEM, readable only with the passphrase "secret".
std::string EncryptedKeyPem(const TestCertificate& certificate);

// Writes NAME.crt and NAME.key, each in place of what was there.
TestCertificateFiles Write(const TemporaryDirectory& directory, absl::string_view name,
                           const TestCertificate& certificate);

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_TEST_CERTIFICATES_H_
