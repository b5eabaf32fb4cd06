#ifndef ONHOOK_GATEWAY_STORE_ACTIONS_H_
#define ONHOOK_GATEWAY_STORE_ACTIONS_H_

#include "gateway/config/invocation.h"

namespace onhook {

// Does what `invocation` asks for on a store that no gateway uses: kVerify, kAcceptLoss, kRestore.
// What is found goes to standard output, how far it is to standard error. Returns the exit code:
// kExitOk, the store is sound, or goes on, or is there; kExitBadStore, it or the backup is damaged;
// kExitBadSettings, a restore has no backup there, or no place for a store; kExitFailed, anything
// else. Threads: the process's only one. Blocking: reads the whole store or backup.
int RunOnStore(const Invocation& invocation);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_ACTIONS_H_
