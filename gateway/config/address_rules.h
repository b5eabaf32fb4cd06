#ifndef ONHOOK_GATEWAY_CONFIG_ADDRESS_RULES_H_
#define ONHOOK_GATEWAY_CONFIG_ADDRESS_RULES_H_

#include <vector>

#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// Ports of ours that are in each other's way; a part of CheckSettings.
//
// Why not left to the system: it says of the second that the port is taken, and not by whom; and a
// check that opens nothing would not see it at all. Names of hosts are not looked up, but for
// "localhost". Pure. Threads: any.
std::vector<SettingFault> FindAddressFaults(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_ADDRESS_RULES_H_
