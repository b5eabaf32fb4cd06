#ifndef ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_
#define ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/http_options.h"
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
//
// Where a probe's answer is no: 503 with the reasons, one on each line. Any other path is 404, any
// other method 405; all as text.
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

  // `metrics`, `clock` and `log` must outlive the server.
  // `on_given_up`: as HttpServer::Callbacks::on_listener_given_up. `tls`: as HttpServer's.
  AdminServer(HttpOptions options, Probes probes,
              std::function<void(const absl::Status&)> on_given_up, const TlsFiles* tls,
              Metrics* metrics, const Clock* clock, const Log* log);

  // Errors: as HttpServer::Start.
  absl::Status Start() { return server_.Start(); }
  // Cuts whoever still asks: a probe is asked again.
  void Stop();
  int port() const { return server_.port(); }

 private:
  HttpResponse Answer(const HttpRequest& request) const;

  const Probes probes_;
  Metrics* const metrics_;
  HttpServer server_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_ADMIN_SERVER_H_
