#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gateway/config/settings_table.h"

namespace onhook {

// A setting's value as it holds, and where it comes from: "default", "flag --http-listen",
// "variable ONHOOK_HTTP_LISTEN" or "file FILE:LINE:COLUMN".
struct EffectiveSetting {
  const Setting* setting = nullptr;
  std::string value;
  std::string origin;
};

// What --help prints: how to call onhookd, and every setting with its default.
std::string HelpText();

// What --print-config prints: one line for each setting, "name = value  # origin".
std::string ConfigText(absl::Span<const EffectiveSetting> values);

// Behind it: one line for each declared subscription, "subscriptions: NAME {specification}".
std::string SubscriptionsText(const std::vector<Settings::Subscription>& subscriptions);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_
