#ifndef ONHOOK_GATEWAY_CONFIG_LISTENER_RULES_H_
#define ONHOOK_GATEWAY_CONFIG_LISTENER_RULES_H_

#include <string>
#include <vector>

#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// Who may reach which port, as the settings have it; a part of CheckSettings.
//
// A port is opened beyond this machine only if something keeps strangers out, or a setting says in
// words that nothing need. What is set and would have no effect is a fault too: somebody relies on
// it. Pure. Threads: any.
std::vector<SettingFault> FindListenerFaults(const Settings& settings);

// What is right and has an effect, but perhaps not the one that was meant: whole sentences without
// a full stop.
std::vector<std::string> FindListenerDoubts(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_LISTENER_RULES_H_
