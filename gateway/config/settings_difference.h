#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_

#include <string>
#include <vector>

#include "gateway/config/settings.h"

namespace onhook {

// The names of the settings in which two differ, in the order of the table; then those of
// "sources", "subscriptions" and "access" that differ in anything. Pure. Threads: any.
std::vector<std::string> DifferentSettings(const Settings& a, const Settings& b);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_DIFFERENCE_H_
