#include "gateway/gateway_metrics.h"

#include <string>

#include "gateway/admin/spool_report.h"
#include "gateway/admin/store_report.h"
#include "gateway/base/process_metrics.h"
#include "gateway/config/version.h"

namespace onhook {
namespace {

// In seconds. A sync of a good disk takes less than a millisecond; what takes a second is broken.
constexpr double kCommitBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                    0.025,  0.05,    0.1,    0.25,  0.5,    1};
constexpr double kBatchBounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

}  // namespace

GatewayMetrics::GatewayMetrics(Metrics* metrics, const Readiness* readiness, const Clock* clock)
    : metrics_(metrics),
      clock_(clock),
      process_(metrics->AddReporter(ReportProcess)),
      ready_(metrics->AddReporter([readiness](Metrics::Report& report) {
        report.AddGauge("onhook_ready", "1 while callbacks should be sent here, as /readyz says.",
                        {}, readiness->Unmet().empty() ? 1 : 0);
      })) {
  metrics_
      ->AddGauge("onhook_build_info", "The program that runs.",
                 {{"version", std::string(Version())}})
      .Set(1);
}

GatewayMetrics::~GatewayMetrics() = default;

void GatewayMetrics::CountCommits(CommitQueueOptions& options) const {
  options.duration =
      metrics_->AddHistogram("onhook_store_commit_duration_seconds",
                             "Time that a commit took, with its sync.", {}, kCommitBounds);
  options.events =
      metrics_->AddHistogram("onhook_store_commit_batch_events",
                             "Events that came with one commit, repeats included; of commits "
                             "that brought any.",
                             {}, kBatchBounds);
  options.failures = metrics_->AddCounter("onhook_store_commit_failures_total",
                                          "Commits that failed, with all that they held.", {});
}

void GatewayMetrics::ShowStore(Store* store, absl::string_view engine) {
  const auto told = std::make_shared<StoreReport>(store, engine, clock_);
  parts_.push_back(metrics_->AddReporter([told](Metrics::Report& report) { told->Tell(report); }));
}

void GatewayMetrics::ShowSpool(const SpooledStore* spool) {
  parts_.push_back(metrics_->AddReporter(
      [spool](Metrics::Report& report) { ReportSpool(spool->Spool(), report); }));
}

void GatewayMetrics::ShowDelivery(const DeliveryServer* delivery) {
  parts_.push_back(metrics_->AddReporter([delivery](Metrics::Report& report) {
    report.AddGauge("onhook_grpc_connections", "Connections of the gRPC port.", {},
                    static_cast<double>(delivery->connections()));
    report.AddGauge("onhook_grpc_streams", "Open streams of Subscribe and Watch.", {},
                    static_cast<double>(delivery->streams()));
  }));
}

void GatewayMetrics::ShowHttp(const HttpServer* http) {
  parts_.push_back(metrics_->AddReporter([http](Metrics::Report& report) {
    report.AddGauge("onhook_http_connections", "Connections of the callbacks' port.", {},
                    static_cast<double>(http->connections()));
  }));
}

}  // namespace onhook
