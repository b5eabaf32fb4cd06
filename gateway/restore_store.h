#ifndef ONHOOK_GATEWAY_RESTORE_STORE_H_
#define ONHOOK_GATEWAY_RESTORE_STORE_H_

#include "gateway/config/invocation.h"

namespace onhook {

// Makes a store in store.directory out of the backup that `onhookd --restore FILE` names, and says
// on standard output what it is, or on standard error why there is none. Returns the process's exit
// code: kExitBadSettings if other arguments would mend it, kExitBadStore for a backup that is none,
// kExitFailed for what may pass.
//
// Threads: the process's first. Blocking: for the disk.
int RestoreStore(const Invocation& invocation);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_RESTORE_STORE_H_
