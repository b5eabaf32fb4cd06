#ifndef ONHOOK_GATEWAY_ADMIN_ADMIN_GATE_H_
#define ONHOOK_GATEWAY_ADMIN_ADMIN_GATE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/ip_network.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/http/http_message.h"

namespace onhook {

// Who may ask the admin port for what: AdminServer says it. Counts whom it refuses, and logs it now
// and then.
//
// Threads: any. Blocking: never.
class AdminGate {
 public:
  // `access` may be null; it and the others must outlive the gate.
  AdminGate(std::vector<IpNetwork> allowed_networks, const AccessControl* access, Metrics* metrics,
            const Clock* clock, const Log* log);
  ~AdminGate();

  // Others are allowed from now on. Threads: any.
  void SetAllowedNetworks(std::vector<IpNetwork> networks) {
    allowed_networks_.Set(std::move(networks));
  }

  // Whether it may ask for anything. kPermissionDenied: its address is not allowed.
  // kUnauthenticated: the port requires certificates, and this one, good when the connection was
  // opened, is so no more. The messages may be shown.
  absl::Status CheckPeer(const HttpRequest& request) const;

  // Whether it may read metrics. kUnauthenticated: it must show who it is; kPermissionDenied: it
  // may not. The messages may be shown.
  absl::Status CheckMonitor(const HttpRequest& request) const;

  // Whether it may change how the gateway runs: from this machine, or as an identity that may
  // administer every subscription. Returns who asks, for the log: "this machine", or the identity
  // with its name. A token that is shown decides even on this machine. What says of itself that it
  // was forwarded does not come from this machine; a proxy here that does not say so is taken for
  // it. Errors: as CheckMonitor; kPermissionDenied too for whoever is elsewhere, while there is no
  // access list to know them by.
  absl::StatusOr<std::string> CheckAdministrator(const HttpRequest& request) const;

 private:
  struct Refused;

  absl::Status CheckNetwork(const HttpRequest& request) const;
  absl::StatusOr<Caller> Identify(const PeerCredentials& credentials) const;

  Exchangeable<std::vector<IpNetwork>> allowed_networks_;
  const AccessControl* const access_;
  const Log* const log_;
  const std::unique_ptr<Refused> by_network_;
  const std::unique_ptr<Refused> unknown_;
  const std::unique_ptr<Refused> not_allowed_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_ADMIN_GATE_H_
