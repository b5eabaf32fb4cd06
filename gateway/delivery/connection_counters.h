#ifndef ONHOOK_GATEWAY_DELIVERY_CONNECTION_COUNTERS_H_
#define ONHOOK_GATEWAY_DELIVERY_CONNECTION_COUNTERS_H_

#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/metrics.h"

namespace onhook {

// Connections to the gRPC port that were refused or cut: counted for each reason, and logged once a
// minute for each. Threads: any. Blocking: never.
class ConnectionCounters {
 public:
  // `metrics` may be null; the rest must outlive it.
  ConnectionCounters(Metrics* metrics, const Clock* clock, const Log* log);

  // One kind of trouble.
  class Trouble {
   public:
    Trouble(Metrics::Counter counter, absl::string_view message, absl::string_view reason,
            const Clock* clock, const Log* log);
    void Note();

   private:
    const Metrics::Counter counter_;
    const absl::string_view message_;
    const absl::string_view reason_;
    const Log* const log_;
    LogThrottle throttle_;
  };

  // Refused: all places are taken, by connections with streams; the peer's are; no descriptor.
  Trouble refused_connections;
  Trouble refused_peer;
  Trouble refused_descriptors;
  // Refused at their first call: the identity's places are taken.
  Trouble refused_identity;
  // Cut, without a stream: for a newcomer, or because there were no descriptors.
  Trouble cut_for_room;
  Trouble cut_for_descriptors;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CONNECTION_COUNTERS_H_
