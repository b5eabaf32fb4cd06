#include "gateway/outside_faults.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/config/tls_options.h"
#include "gateway/ingress/open_source.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

std::vector<SettingFault> FindOutsideFaults(const Settings& settings) {
  std::vector<SettingFault> faults = FindSecretFaults(settings);
  const std::vector<SettingFault> of_tokens = FindTokenFaults(settings);
  faults.insert(faults.end(), of_tokens.begin(), of_tokens.end());
  const absl::Time now = SystemClock().Now();
  const std::pair<absl::string_view, const TlsOptions&> ports[] = {
      {"http", settings.http.tls}, {"grpc", settings.grpc.tls}, {"admin", settings.admin.tls}};
  for (const auto& [listener, tls] : ports) {
    if (!tls.enabled()) continue;
    const absl::Status checked = CheckTlsFiles(tls, now);
    if (checked.ok()) continue;
    // The message begins with the member that names the file.
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(checked.message(), absl::MaxSplits(": ", 1));
    faults.push_back({absl::StrCat(listener, ".tls.", parts.first), std::string(parts.second)});
  }
  return faults;
}

}  // namespace onhook
