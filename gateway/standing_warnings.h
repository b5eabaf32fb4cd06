#ifndef ONHOOK_GATEWAY_STANDING_WARNINGS_H_
#define ONHOOK_GATEWAY_STANDING_WARNINGS_H_

#include "gateway/base/log.h"
#include "gateway/config/settings.h"

namespace onhook {

// Logs what is allowed, and yet should be known to whoever runs a gateway with these settings: who
// needs no proof, what the system may have too little of, and what the store's servers may lose.
// Threads: any. Blocking: never.
void LogStandingWarnings(const Settings& settings, const Log& log);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STANDING_WARNINGS_H_
