#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_ANCESTRY_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_ANCESTRY_H_

#include "gateway/base/log.h"
#include "gateway/store/backup.h"

namespace onhook {

// Tells the log what the store goes back to, and what it lacks of that.
void TellOrigin(const StoreAncestor& ancestor, const Log& log);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_ANCESTRY_H_
