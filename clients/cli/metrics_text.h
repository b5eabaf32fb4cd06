#ifndef ONHOOK_CLIENTS_CLI_METRICS_TEXT_H_
#define ONHOOK_CLIENTS_CLI_METRICS_TEXT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook::cli {

// What a gateway shows at /metrics: Prometheus' text format, version 0.0.4.
//
// Threads: any, once made. Blocking: never.
class MetricsText {
 public:
  struct Sample {
    std::map<std::string, std::string> labels;
    double value = 0;
  };

  // Lines that are no samples are left out: they are for other readers, or of a later version.
  explicit MetricsText(absl::string_view text);

  // All samples of that name, in their order.
  std::vector<Sample> Of(const std::string& name) const;
  // The first sample of that name; nothing if there is none.
  std::optional<double> Value(const std::string& name) const;
  // All samples of that name, added up.
  double Sum(const std::string& name) const;

 private:
  std::multimap<std::string, Sample> samples_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_METRICS_TEXT_H_
