#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_CHECK_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_CHECK_H_

#include <string>
#include <vector>

#include "gateway/config/settings.h"

namespace onhook {

// What is wrong with a setting that is well-formed.
struct SettingFault {
  std::string setting;      // "http.listen"
  std::string description;  // what is wrong, and what to set instead
};

// What is wrong with settings that are each well-formed. Empty if they can be run with.
//
// Above all: a port that takes events from anybody, or shows them to anybody, is opened beyond this
// machine only by a setting that says so.
// Threads: any; pure. Blocking: never.
std::vector<SettingFault> CheckSettings(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_CHECK_H_
