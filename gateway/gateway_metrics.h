#ifndef ONHOOK_GATEWAY_GATEWAY_METRICS_H_
#define ONHOOK_GATEWAY_GATEWAY_METRICS_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/admin/readiness.h"
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/delivery/delivery_server.h"
#include "gateway/http/http_server.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/spool/spooled_store.h"
#include "gateway/store/store.h"

namespace onhook {

// Shows in the metrics what the parts of the gateway know anyway: the store's sizes, the state of
// every subscription, connections, readiness, the process. Each part is asked when somebody asks
// for the metrics.
//
// Threads: one owner for all methods. Blocking: Hide, for an answer under way. Errors: what cannot
// be told is left out.
class GatewayMetrics {
 public:
  // Shows the process, its version and `readiness`. All must outlive it.
  GatewayMetrics(Metrics* metrics, const Readiness* readiness, const Clock* clock);
  ~GatewayMetrics();

  // Has commits counted.
  void CountCommits(CommitQueueOptions& options) const;

  // From now on shows these too, which must last until Hide.
  void ShowStore(Store* store, absl::string_view engine);
  void ShowSpool(const SpooledStore* spool);
  void ShowDelivery(const DeliveryServer* delivery);
  void ShowHttp(const HttpServer* http);

  // Asks none of them any more.
  void Hide() { parts_.clear(); }

 private:
  Metrics* const metrics_;
  const Clock* const clock_;
  const std::unique_ptr<Metrics::Reporting> process_;
  const std::unique_ptr<Metrics::Reporting> ready_;
  std::vector<std::unique_ptr<Metrics::Reporting>> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_GATEWAY_METRICS_H_
