#ifndef ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_
#define ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_

#include <vector>

#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// What settings name outside of themselves and cannot be used: files of secrets and of
// certificates. Changes nothing.
//
// Threads: any. Blocking: reads them.
std::vector<SettingFault> FindOutsideFaults(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_
