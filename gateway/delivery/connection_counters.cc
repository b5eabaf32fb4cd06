#include "gateway/delivery/connection_counters.h"

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace onhook {
namespace {

constexpr absl::Duration kLineInterval = absl::Minutes(1);

Metrics::Counter Count(Metrics* metrics, const char* name, const char* help, const char* reason) {
  if (metrics == nullptr) return {};
  return metrics->AddCounter(name, help, {{"reason", reason}});
}

Metrics::Counter CountRefused(Metrics* metrics, const char* reason) {
  return Count(metrics, "onhook_grpc_connections_refused_total",
               "Connections to the gRPC port for which there was no place.", reason);
}

Metrics::Counter CountCut(Metrics* metrics, const char* reason) {
  return Count(metrics, "onhook_grpc_connections_cut_total",
               "Connections of the gRPC port without a stream that were closed for others.",
               reason);
}

constexpr absl::string_view kRefused = "connections were refused";
constexpr absl::string_view kCut = "connections without a stream were closed";

}  // namespace

ConnectionCounters::ConnectionCounters(Metrics* metrics, const Clock* clock, const Log* log)
    : refused_connections(CountRefused(metrics, "connections"), kRefused,
                          "grpc.max_connections are taken by connections with streams", clock, log),
      refused_peer(CountRefused(metrics, "peer"), kRefused,
                   "the peer has grpc.max_connections_per_peer with streams", clock, log),
      refused_descriptors(CountRefused(metrics, "descriptors"), kRefused,
                          "there are no descriptors", clock, log),
      refused_identity(CountRefused(metrics, "identity"), kRefused,
                       "the identity has grpc.max_connections_per_identity", clock, log),
      cut_for_room(CountCut(metrics, "room"), kCut, "there was no place for others", clock, log),
      cut_for_descriptors(CountCut(metrics, "descriptors"), kCut, "there were no descriptors",
                          clock, log) {}

ConnectionCounters::Trouble::Trouble(Metrics::Counter counter, absl::string_view message,
                                     absl::string_view reason, const Clock* clock, const Log* log)
    : counter_(counter),
      message_(message),
      reason_(reason),
      log_(log),
      throttle_(clock, kLineInterval) {}

void ConnectionCounters::Trouble::Note() {
  counter_.Increment();
  const int64_t connections = throttle_.Occurred();
  if (connections == 0) return;
  log_->Warning("delivery", message_, {{"reason", reason_}, {"connections", connections}});
}

}  // namespace onhook
