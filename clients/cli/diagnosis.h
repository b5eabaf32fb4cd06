#ifndef ONHOOK_CLIENTS_CLI_DIAGNOSIS_H_
#define ONHOOK_CLIENTS_CLI_DIAGNOSIS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/metrics_text.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook::cli {

// What `onhook doctor` makes of what it has seen. Pure functions; threads: any.

enum class Verdict {
  kOk,
  kNote,     // could not be looked at, or is nothing to judge
  kWarning,  // works, and somebody should look at it soon
  kProblem,  // does not work, or will not for long
};

struct Finding {
  Verdict verdict;
  std::string subject;  // one or two words: "clock", "subscription crm"
  std::string seen;     // what is the case
  std::string advice;   // what to do about it; empty if there is nothing to do
};

// Each subscription that wants somebody's attention; if none does, one finding that says so.
std::vector<Finding> JudgeSubscriptions(const std::vector<v1::Subscription>& subscriptions);

// The answer of /readyz: its status and the reasons in its body, one on each line.
std::vector<Finding> JudgeReadiness(int http_status, absl::string_view body);

// A gateway's clock says `date`, which is a whole second that had begun, in an answer to what was
// asked at `asked` and came at `answered`.
Finding JudgeClock(absl::Time date, absl::Time asked, absl::Time answered);

// This program's version, and the gateway's.
Finding JudgeVersions(absl::string_view here, absl::string_view there);

// The date until which a certificate is good. `advice`: how another one gets there.
Finding JudgeExpiry(std::string subject, absl::Time good_until, absl::Time now, std::string advice);

// What the gateway's metrics tell of disk, settings, certificates, descriptors and what was
// refused. What they do not hold is not judged.
std::vector<Finding> JudgeMetrics(const MetricsText& metrics, absl::Time now);

// A line for each finding, and one below it for what to do.
std::string FindingsText(const std::vector<Finding>& findings);

// The same, each as a JSON object in a line of its own: verdict, subject, seen, advice.
std::string FindingsJson(const std::vector<Finding>& findings);

// The gravest; kOk for none.
Verdict Worst(const std::vector<Finding>& findings);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_DIAGNOSIS_H_
