#ifndef ONHOOK_GATEWAY_ADMIN_SPOOL_REPORT_H_
#define ONHOOK_GATEWAY_ADMIN_SPOOL_REPORT_H_

#include "gateway/base/metrics.h"
#include "gateway/store/spool/spool_stats.h"

namespace onhook {

// Tells of a spool, for the metrics. Pure. Threads: any. Blocking: never.
void ReportSpool(const SpoolStats& stats, Metrics::Report& report);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_SPOOL_REPORT_H_
