#include "gateway/admin/admin_gate.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

// A proxy says that it is one, each in its way; not every proxy does.
bool IsForwarded(const HttpRequest& request) {
  constexpr absl::string_view kMarks[] = {"Forwarded", "Via", "X-Real-IP", "True-Client-IP",
                                          "CF-Connecting-IP"};
  constexpr absl::string_view kBeginnings[] = {"X-Forwarded-", "X-Original-", "X-Envoy-"};
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const HttpHeader& header) {
    return std::any_of(
               std::begin(kMarks), std::end(kMarks),
               [&](absl::string_view mark) { return absl::EqualsIgnoreCase(header.name, mark); }) ||
           std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                       [&](absl::string_view beginning) {
                         return absl::StartsWithIgnoreCase(header.name, beginning);
                       });
  });
}

bool IsOfThisMachine(const HttpRequest& request) {
  const absl::StatusOr<IpAddress> peer = IpAddress::Parse(request.peer);
  return peer.ok() && peer->is_loopback() && !IsForwarded(request);
}

PeerCredentials CertificateOf(const HttpRequest& request) {
  PeerCredentials credentials;
  credentials.certificate_pem = std::string(request.certificate_pem);
  credentials.chain_pem = std::string(request.chain_pem);
  return credentials;
}

PeerCredentials AllCredentialsOf(const HttpRequest& request) {
  PeerCredentials credentials = CertificateOf(request);
  credentials.bearer_token = BearerTokenOf(request);
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
  const absl::StatusOr<Caller> caller = Identify(AllCredentialsOf(request));
  if (!caller.ok()) return caller.status();
  absl::Status allowed = caller->Check(Permission::kMonitor);
  if (!allowed.ok()) not_allowed_->Note(*log_);
  return allowed;
}

absl::StatusOr<std::string> AdminGate::CheckAdministrator(const HttpRequest& request) const {
  const PeerCredentials credentials = AllCredentialsOf(request);
  const bool knows_anybody = access_ != nullptr && !access_->is_open();
  const bool shows_token = knows_anybody && credentials.bearer_token.has_value();
  if (IsOfThisMachine(request) && !shows_token) return "this machine";
  if (!knows_anybody) {
    not_allowed_->Note(*log_);
    return absl::PermissionDeniedError(
        "for this machine only, since there is no access list to know others by");
  }
  const absl::StatusOr<Caller> caller = Identify(credentials);
  if (!caller.ok()) return caller.status();
  if (absl::Status allowed = caller->CheckForEvery(Permission::kAdminister); !allowed.ok()) {
    not_allowed_->Note(*log_);
    return allowed;
  }
  return absl::StrCat("identity ", caller->name());
}

absl::StatusOr<Caller> AdminGate::Identify(const PeerCredentials& credentials) const {
  absl::StatusOr<Caller> caller = access_->Identify(AccessControl::Port::kAdmin, credentials);
  if (!caller.ok()) unknown_->Note(*log_);
  return caller;
}

}  // namespace onhook
