#ifndef ONHOOK_GATEWAY_CONFIG_ENGINE_RULES_H_
#define ONHOOK_GATEWAY_CONFIG_ENGINE_RULES_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// What the store's engine has to do with each setting: what it cannot honour is a fault, and is
// never passed over.
//
// Threads: any; pure. Blocking: never.

// What settings, each well-formed, ask for that the engine cannot do; and what its own settings
// must be beside each other.
std::vector<SettingFault> FindEngineFaults(const Settings& settings);

// Those of `given`, names of settings to which somebody gave another value than the default, that
// belong to another engine or to a spool that there is not.
std::vector<SettingFault> FindForeignSettings(const Settings& settings,
                                              absl::Span<const absl::string_view> given);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_ENGINE_RULES_H_
