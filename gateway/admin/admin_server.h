#ifndef ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_
#define ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/access/access_control.h"
#include "gateway/admin/admin_gate.h"
#include "gateway/admin/log_level_page.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/settings.h"
#include "gateway/http/http_server.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// The port that supervisors ask: Kubernetes, a load balancer, a person with curl. It is a port of
// its own so that probes get through when the callbacks' port is full, and stay private when it is
// not.
//
//   GET /livez     "ok" for as long as the process can answer
//   GET /startupz  "ok" once start-up has finished, recovery included
//   GET /readyz    "ok" while callbacks should be sent here
//   GET /metrics   what is counted, for Prometheus
//   /log-level     LogLevelPage
//
// Where a probe's answer is no: 503 with the reasons, one on each line. Any other path is 404, any
// other method 405; all as text.
//
// Who may ask: this machine, and the allowed networks; anybody else is told 403 whatever it asks.
// Probes tell nothing but yes or no, so they ask for nothing more: those who send them have nothing
// to show. Metrics tell how a business goes: as soon as some identity of the access list has the
// permission monitor, they are for those who have it, and others are told 401 or 403. What changes
// the gateway is for AdminGate::CheckAdministrator.
// Refusals are counted by their reasons: onhook_admin_refusals_total{reason}.
// Threads: as HttpServer. Blocking: as HttpServer.
class AdminServer {
 public:
  // The reasons against it; empty means yes. Called on a connection's thread, several at once; must
  // not block.
  using Probe = std::function<std::vector<std::string>()>;
  struct Probes {
    Probe started;
    Probe ready;
  };

  // What it works with; all of it must outlive the server.
  struct Surroundings {
    const AccessControl* access = nullptr;  // null: metrics are for whoever may ask
    const TlsFiles* tls = nullptr;          // null: no TLS
    Metrics* metrics = nullptr;
    const Clock* clock = nullptr;
    Log* log = nullptr;
    // As HttpServer::Callbacks::on_listener_given_up.
    std::function<void(const absl::Status&)> on_listener_given_up;
  };

  AdminServer(const Settings::Admin& settings, Probes probes, Surroundings surroundings);

  // Errors: as HttpServer::Start.
  absl::Status Start() { return server_.Start(); }
  // Other limits and networks hold from now on; the port stays as it was opened. Threads: any.
  void SetLimits(const Settings::Admin& settings);
  // Cuts whoever still asks: a probe is asked again.
  void Stop();
  int port() const { return server_.port(); }

 private:
  HttpResponse Answer(const HttpRequest& request) const;
  HttpResponse AnswerMetrics(const HttpRequest& request) const;

  const Probes probes_;
  Metrics* const metrics_;
  AdminGate gate_;
  const LogLevelPage log_level_;
  HttpServer server_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_
