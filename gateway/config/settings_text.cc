#include "gateway/config/settings_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace onhook {
namespace {

constexpr absl::string_view kHelpHead =
    R"(onhookd: takes a contact centre's hang-up callbacks, stores them, streams them to subscribers
over gRPC, and only then answers the contact centre.

Usage: onhookd [OPTION]... [SETTING]...

Without any argument it serves this machine only: callbacks at http://127.0.0.1:8080/release-events,
subscribers on 127.0.0.1:50051, probes on 127.0.0.1:8081, data in ./onhook-data.

Options:
  --config FILE    read settings and subscriptions from a YAML file; also ONHOOK_CONFIG
  --check          say whether the settings are right, and leave without touching anything
  --print-config   print every setting as it holds, and where it comes from
  --help           print this text
  --version        print the version

Settings, each as --flag=VALUE, --flag VALUE, environment variable, or in the file (http.listen is
http: {listen: ...}); a flag goes before a variable, a variable before the file:
)";

constexpr absl::string_view kHelpTail = R"(
A DURATION is a whole number with its unit: 500ms, 5s, 10m, 24h, 7d. BYTES likewise: 64KiB, 10MiB.

Signals: SIGTERM or SIGINT finishes what is under way and leaves with 0; a second one leaves at
once, which loses nothing that was acknowledged. Exit codes: 0 done, 1 failed, 2 wrong settings.
)";

}  // namespace

std::string HelpText() {
  const Settings defaults;
  std::string text(kHelpHead);
  for (const Setting& setting : SettingsTable()) {
    absl::StrAppend(&text, "  ", setting.Flag(), "=", setting.form, "\n      ", setting.Variable(),
                    ", default ", setting.write(defaults), "\n      ", setting.description, "\n");
  }
  absl::StrAppend(&text, kHelpTail);
  return text;
}

std::string ConfigText(absl::Span<const EffectiveSetting> values) {
  size_t width = 0;
  for (const EffectiveSetting& value : values) {
    width = std::max(width, value.setting->name.size() + value.value.size());
  }
  std::string text;
  for (const EffectiveSetting& value : values) {
    const std::string line = absl::StrCat(value.setting->name, " = ", value.value);
    const int padded = static_cast<int>(width + 3);
    absl::StrAppendFormat(&text, "%-*s  # %s\n", padded, line, value.origin);
  }
  return text;
}

std::string SubscriptionsText(const std::vector<Settings::Subscription>& subscriptions) {
  std::string text;
  for (const Settings::Subscription& subscription : subscriptions) {
    absl::StrAppend(&text, "subscriptions: ", subscription.name, " {",
                    subscription.spec.ShortDebugString(), "}\n");
  }
  return text;
}

}  // namespace onhook
