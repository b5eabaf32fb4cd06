#ifndef ONHOOK_TESTS_SUPPORT_METRICS_TEXT_H_
#define ONHOOK_TESTS_SUPPORT_METRICS_TEXT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace onhook {

// What a page of metrics says, taken apart: strict enough to notice what Prometheus would not take.
// Labels whose values hold commas or quotes are not for it.
class MetricsText {
 public:
  using Labels = std::map<std::string, std::string>;
  struct Sample {
    std::string name;  // of a histogram: with _count, _sum or _bucket
    Labels labels;
    double value = 0;
  };
  struct Family {
    std::string help;
    std::string type;
    std::vector<Sample> samples;
  };

  // Lines that are none of these are kept in faults().
  explicit MetricsText(absl::string_view text);

  const std::map<std::string, Family>& families() const { return families_; }
  const std::vector<std::string>& faults() const { return faults_; }

  // The sample with exactly these labels; nothing if there is none.
  absl::optional<double> Find(const std::string& name, const Labels& labels = {}) const;
  // The same, or -1.
  double Value(const std::string& name, const Labels& labels = {}) const {
    return Find(name, labels).value_or(-1);
  }

 private:
  std::map<std::string, Family> families_;
  std::vector<std::string> faults_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_METRICS_TEXT_H_
