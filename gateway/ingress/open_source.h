#ifndef ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_
#define ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"
#include "gateway/ingress/callback_source.h"
#include "gateway/ingress/secret_pool.h"

namespace onhook {

// Makes a source of the settings ready: reads its secrets, or goes on with those that `secrets` has
// open, finds its time zone and the subscriptions that it waits for. `settings` must have been
// checked.
//
// Threads: that of `secrets`. Blocking: reads files. Errors: kInvalidArgument, naming the source
// and the file.
absl::StatusOr<CallbackSource> OpenSource(const Settings::Source& source, const Settings& settings,
                                          SecretPool& secrets);

// The same of all that the settings have; the first error, if there is one.
absl::StatusOr<std::vector<CallbackSource>> OpenSources(const Settings& settings,
                                                        SecretPool& secrets);

// What is wrong with the files that sources name, each of them. Changes nothing.
std::vector<SettingFault> FindSecretFaults(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_OPEN_SOURCE_H_
