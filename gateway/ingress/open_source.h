#ifndef ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_
#define ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"
#include "gateway/ingress/callback_source.h"

namespace onhook {

// Makes a source of the settings ready: reads its secrets, finds its time zone and the
// subscriptions that it waits for. `settings` must have been checked; `clock` and `log` must
// outlive the source.
//
// Threads: any. Blocking: reads files. Errors: kInvalidArgument, naming the source and the file.
absl::StatusOr<CallbackSource> OpenSource(const Settings::Source& source, const Settings& settings,
                                          const Clock* clock, const Log* log);

// What is wrong with the files that sources name, each of them. Changes nothing.
std::vector<SettingFault> FindSecretFaults(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_
