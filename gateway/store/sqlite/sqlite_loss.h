#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOSS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOSS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace onhook {

// Makes a store of which files are missing or cut off, so that no gateway starts on it, one that
// starts again with what is left. It is another store then, with another store_id: delivery ids of
// before mean nothing in it, since its next events take the places of lost ones, and cursors are
// told where to go on.
// A write-ahead log that is not whole is kept beside it as onhook.db-wal.lost.
//
// Returns what was done, in sentences; of a store that lacks nothing, that nothing was. Threads:
// any. Blocking: looks through the whole file. Errors, with nothing changed: kFailedPrecondition (a
// gateway uses it, or a restore was not completed), kInvalidArgument (there is no such directory).
// Others, after which no gateway starts on it until this or a restore has succeeded: StoreDamage
// (what is left does not hold together), kUnavailable.
absl::StatusOr<std::string> AcceptSqliteLoss(const std::string& directory, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOSS_H_
