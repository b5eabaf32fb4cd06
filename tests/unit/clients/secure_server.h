#ifndef ONHOOK_TESTS_UNIT_CLIENTS_SECURE_SERVER_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_SECURE_SERVER_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "onhook/client.h"
#include "onhook/security.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {

inline std::shared_ptr<grpc::ServerCredentials> TlsServerCredentials(
    const TestCertificate& certificate, const std::string& client_ca_pem = "") {
  grpc::SslServerCredentialsOptions options(
      client_ca_pem.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = client_ca_pem;
  options.pem_key_cert_pairs = {{certificate.key_pem, certificate.certificate_pem}};
  return grpc::SslServerCredentials(options);
}

// The files of a client, and those who may sign for it and for its gateway.
struct ClientFiles {
  const TemporaryDirectory directory;
  const TestAuthority authority{"Onhook Test CA"};
  const TestAuthority stranger{"Strange CA"};
  const std::string ca_file = directory.Write("ca.crt", authority.certificate_pem());
  const std::string other_ca_file = directory.Write("other-ca.crt", stranger.certificate_pem());

  // Of a client that trusts `authority` and shows no certificate.
  SecurityOptions Trusting() const {
    SecurityOptions security;
    security.ca_file = ca_file;
    return security;
  }
  // And shows this one. Written to client.crt and client.key, in place of what was there.
  SecurityOptions Showing(const TestCertificate& certificate) const {
    SecurityOptions security = Trusting();
    const TestCertificateFiles files = Write(directory, "client", certificate);
    security.certificate_file = files.certificate_file;
    security.key_file = files.key_file;
    return security;
  }
  TestCertificate Billing() const {
    return authority.ClientCertificate("spiffe://example.org/billing");
  }
};

// A fake gateway that speaks TLS, and takes clients of `authority` only.
class MutualTlsGateway : public FakeGateway {
 public:
  explicit MutualTlsGateway(const ClientFiles& files, const std::string& address = "127.0.0.1:0")
      : FakeGateway(address, TlsServerCredentials(files.authority.ServerCertificate(),
                                                  files.authority.certificate_pem())) {}
  ClientOptions client_options(SecurityOptions security) const {
    ClientOptions options = FakeGateway::client_options();
    options.security = std::move(security);
    return options;
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_SECURE_SERVER_H_
