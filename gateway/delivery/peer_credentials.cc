#include "gateway/delivery/peer_credentials.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "gateway/base/authorization.h"

namespace onhook {
namespace {

constexpr absl::string_view kBearer = "Bearer";
constexpr absl::string_view kAuthorization = "authorization";

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string PropertyOf(const grpc::AuthContext& shown, const char* name) {
  const std::vector<grpc::string_ref> values = shown.FindPropertyValues(name);
  return values.empty() ? std::string() : std::string(View(values.front()));
}

}  // namespace

void BearerHeader::Add(absl::string_view value) {
  const bool is_first = !token_.has_value();
  token_.emplace();
  if (!is_first) return;
  const std::optional<absl::string_view> token = CredentialsOf(value, kBearer);
  if (token.has_value()) token_ = std::string(*token);
}

bool IsUnixSocketPeer(absl::string_view peer) { return absl::StartsWith(peer, "fd:"); }

PeerCredentials PeerCredentialsOf(const grpc::CallbackServerContext& context) {
  PeerCredentials credentials;
  credentials.over_unix_socket = IsUnixSocketPeer(context.peer());
  if (const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context()) {
    credentials.certificate_pem = PropertyOf(*shown, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    credentials.chain_pem = PropertyOf(*shown, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME);
  }
  BearerHeader header;
  const auto values = context.client_metadata().equal_range(
      grpc::string_ref(kAuthorization.data(), kAuthorization.size()));
  for (auto it = values.first; it != values.second; ++it) header.Add(View(it->second));
  credentials.bearer_token = header.token();
  return credentials;
}

}  // namespace onhook
