#include "gateway/http/refusal_counters.h"

#include "absl/container/flat_hash_map.h"
#include "gateway/http/refusal.h"

namespace onhook {

std::function<void(absl::string_view label)> CountRefusals(const std::string& listener,
                                                           Metrics* metrics) {
  absl::flat_hash_map<absl::string_view, Metrics::Counter> counters;
  for (const Refusal& refusal : AllRefusals()) {
    counters[refusal.label] = metrics->AddCounter(
        "onhook_http_refusals_total", "Requests that are no HTTP as this port takes it.",
        {{"listener", listener}, {"reason", std::string(refusal.label)}});
  }
  return [counters](absl::string_view label) {
    const auto counter = counters.find(label);
    if (counter != counters.end()) counter->second.Increment();
  };
}

}  // namespace onhook
