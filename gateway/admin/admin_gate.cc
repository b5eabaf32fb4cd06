#include "gateway/admin/admin_gate.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gateway/base/authorization.h"
#include "gateway/base/log_throttle.h"

namespace onhook {
namespace {

constexpr absl::Duration kLineInterval = absl::Minutes(1);

// Of the only header Authorization; empty if there are several, or it is of another scheme.
std::optional<std::string> BearerTokenOf(const HttpRequest& request) {
  std::optional<std::string> token;
  for (const HttpHeader& header : request.headers) {
    if (!absl::EqualsIgnoreCase(header.name, "Authorization")) continue;
    if (token.has_value()) return "";
    token = std::string(CredentialsOf(header.value, "Bearer").value_or(""));
  }
  return token;
}

PeerCredentials CertificateOf(const HttpRequest& request) {
  PeerCredentials credentials;
  credentials.certificate_pem = std::string(request.certificate_pem);
  credentials.chain_pem = std::string(request.chain_pem);
  return credentials;
}

}  // namespace

struct AdminGate::Refused {
  Refused(const char* why, Metrics* metrics, const Clock* clock)
      : reason(why),
        counter(metrics->AddCounter("onhook_admin_refusals_total",
                                    "Requests on the admin port of those who may not ask.",
                                    {{"reason", why}})),
        throttle(clock, kLineInterval) {}

  void Note(const Log& log) {
    counter.Increment();
    const int64_t requests = throttle.Occurred();
    if (requests == 0) return;
    log.Warning("admin", "requests of those who may not ask were refused",
                {{"reason", reason}, {"requests", requests}});
  }

  const char* const reason;
  const Metrics::Counter counter;
  LogThrottle throttle;
};

AdminGate::AdminGate(std::vector<IpNetwork> allowed_networks, const AccessControl* access,
                     Metrics* metrics, const Clock* clock, const Log* log)
    : allowed_networks_(std::move(allowed_networks)),
      access_(access),
      log_(log),
      by_network_(std::make_unique<Refused>("network", metrics, clock)),
      unknown_(std::make_unique<Refused>("unauthenticated", metrics, clock)),
      not_allowed_(std::make_unique<Refused>("not_allowed", metrics, clock)) {}

AdminGate::~AdminGate() = default;

absl::Status AdminGate::CheckPeer(const HttpRequest& request) const {
  if (absl::Status from = CheckNetwork(request); !from.ok()) return from;
  if (access_ == nullptr) return absl::OkStatus();
  absl::Status shown =
      access_->CheckCertificate(AccessControl::Port::kAdmin, CertificateOf(request));
  if (!shown.ok()) unknown_->Note(*log_);
  return shown;
}

absl::Status AdminGate::CheckNetwork(const HttpRequest& request) const {
  const std::shared_ptr<const std::vector<IpNetwork>> allowed = allowed_networks_.Get();
  if (allowed->empty()) return absl::OkStatus();
  const absl::StatusOr<IpAddress> peer = IpAddress::Parse(request.peer);
  const bool is_allowed =
      peer.ok() && (peer->is_loopback() ||
                    std::any_of(allowed->begin(), allowed->end(),
                                [&](const IpNetwork& network) { return network.Contains(*peer); }));
  if (is_allowed) return absl::OkStatus();
  by_network_->Note(*log_);
  return absl::PermissionDeniedError("this address is not one of admin.allowed_networks");
}

absl::Status AdminGate::CheckMonitor(const HttpRequest& request) const {
  if (access_ == nullptr || !access_->IsGivenToAnybody(Permission::kMonitor)) {
    return absl::OkStatus();
  }
  PeerCredentials credentials = CertificateOf(request);
  credentials.bearer_token = BearerTokenOf(request);
  const absl::StatusOr<Caller> caller = access_->Identify(AccessControl::Port::kAdmin, credentials);
  if (!caller.ok()) {
    unknown_->Note(*log_);
    return caller.status();
  }
  absl::Status allowed = caller->Check(Permission::kMonitor);
  if (!allowed.ok()) not_allowed_->Note(*log_);
  return allowed;
}

}  // namespace onhook
