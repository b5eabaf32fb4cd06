#include "gateway/delivery/call_refusals.h"

namespace onhook {
namespace {

constexpr absl::Duration kBetweenLines = absl::Seconds(10);

Metrics::Counter CounterOf(Metrics* metrics, const char* reason) {
  if (metrics == nullptr) return {};
  return metrics->AddCounter("onhook_grpc_calls_refused_total",
                             "Calls of the gRPC port that were refused.", {{"reason", reason}});
}

}  // namespace

CallRefusals::CallRefusals(Metrics* metrics, const Clock* clock, const Log* log)
    : log_(log),
      unauthenticated_(CounterOf(metrics, "unauthenticated")),
      permission_denied_(CounterOf(metrics, "permission_denied")),
      too_many_(CounterOf(metrics, "too_many")),
      unauthenticated_lines_(clock, kBetweenLines),
      permission_denied_lines_(clock, kBetweenLines),
      too_many_lines_(clock, kBetweenLines) {}

void CallRefusals::Note(const absl::Status& why, absl::string_view method,
                        absl::string_view identity) {
  const bool unauthenticated = absl::IsUnauthenticated(why);
  const bool too_many = absl::IsResourceExhausted(why);
  (unauthenticated ? unauthenticated_ : too_many ? too_many_ : permission_denied_).Increment();
  LogThrottle& lines = unauthenticated ? unauthenticated_lines_
                       : too_many      ? too_many_lines_
                                       : permission_denied_lines_;
  const int64_t calls = lines.Occurred();
  if (calls == 0) return;
  log_->Warning(
      "delivery", "a call was refused",
      {{"method", method}, {"identity", identity}, {"error", why.message()}, {"calls", calls}});
}

}  // namespace onhook
