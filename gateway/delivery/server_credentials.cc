#include "gateway/delivery/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <cstdint>
#include <string>

namespace onhook {
namespace {

grpc_ssl_client_certificate_request_type RequestOf(const TlsOptions& options) {
  if (options.client_ca_file.empty()) return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  return options.requires_client_certificate()
             ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
             : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
}

// gRPC's credentials of one port, which take their certificates from TlsFiles.
class PortCredentials final : public grpc::ServerCredentials {
 public:
  PortCredentials(const TlsFiles* tls, CallGate* gate) : tls_(tls), credentials_(Make()) {
    if (gate != nullptr) gate->GuardCallsOf(credentials_);
  }
  ~PortCredentials() override { grpc_server_credentials_release(credentials_); }
  PortCredentials(const PortCredentials&) = delete;
  PortCredentials& operator=(const PortCredentials&) = delete;

  // For those who build a server of their own; ours has the gate.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* Make() {
    if (tls_ == nullptr) return grpc_insecure_server_credentials_create();
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(RequestOf(tls_->options()),
                                                                        Fetch, this));
  }

  // Called before each handshake, under a lock of gRPC's.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto* const credentials = static_cast<PortCredentials*>(self);
    const std::shared_ptr<const TlsMaterial> now = credentials->tls_->Get();
    if (now->version == credentials->version_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    credentials->version_ = now->version;
    const grpc_ssl_pem_key_cert_pair pair{now->key_pem.c_str(), now->certificate_pem.c_str()};
    // It ends the process if there are no authorities, also where it asks no client for a
    // certificate and so never looks at them.
    const std::string& authorities =
        now->client_ca_pem.empty() ? now->certificate_pem : now->client_ca_pem;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsFiles* const tls_;
  uint64_t version_ = 0;  // that gRPC has
  grpc_server_credentials* const credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles* tls,
                                                               CallGate* gate) {
  return std::make_shared<PortCredentials>(tls, gate);
}

}  // namespace onhook
