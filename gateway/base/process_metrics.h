#ifndef ONHOOK_GATEWAY_BASE_PROCESS_METRICS_H_
#define ONHOOK_GATEWAY_BASE_PROCESS_METRICS_H_

#include "gateway/base/metrics.h"

namespace onhook {

// Tells what this process takes of its machine, under the names that every Prometheus client uses:
// process_*. What /proc does not tell is left out. Threads: any. Blocking: never for long.
void ReportProcess(Metrics::Report& report);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_PROCESS_METRICS_H_
