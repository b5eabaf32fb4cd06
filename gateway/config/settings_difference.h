#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_

#include <string>
#include <vector>

#include "gateway/config/settings.h"

namespace onhook {

// The names of the settings in which two differ, in the order of the table; then those of
// "sources", "subscriptions" and "access" that differ in anything. Pure. Threads: any.
std::vector<std::string> DifferentSettings(const Settings& a, const Settings& b);

// What comes of settings that are read while others are in use.
struct SettingsChange {
  // To be in use from now on: those that are in use, with whatever of the others a running gateway
  // takes.
  Settings settings;
  // What differs, in the order of DifferentSettings: what is taken, and what waits for a restart.
  std::vector<std::string> taken;
  std::vector<std::string> waiting;
};

// Pure. Threads: any.
SettingsChange ChangeTo(const Settings& read, const Settings& in_use);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_
