#ifndef ONHOOK_GATEWAY_SERVER_FILES_H_
#define ONHOOK_GATEWAY_SERVER_FILES_H_

#include <vector>

#include "absl/time/time.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// What is wrong with the files by which the gateway proves to the store's servers who it is, and
// they to it. Changes nothing. Threads: any. Blocking: reads the files.
std::vector<SettingFault> FindFaultsOfServers(const Settings::JetStream& jetstream, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_SERVER_FILES_H_
