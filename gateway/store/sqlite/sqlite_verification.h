#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_VERIFICATION_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_VERIFICATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/store/sqlite/sqlite_findings.h"

namespace onhook {

// Looks through a store that no gateway uses: its files, SQLite's own structure, every checksum,
// and what must be so of all rows together. Tells each thing that is wrong in a line: what, what is
// lost by it, what to do; and a verdict last. Returns whether the store is sound.
//
// Changes no byte, and makes no file. Holds the directory's lock meanwhile, so that no gateway can
// start on it. Memory is bounded, whatever the store's size. A dead letter that was parked because
// its event was damaged counts as damage still, since what is lost is lost.
//
// Threads: one. Blocking: reads everything. Errors, when that cannot be told: kFailedPrecondition
// (a gateway uses it), kInvalidArgument (there is no store), kUnavailable (it may not be read).
absl::StatusOr<bool> VerifySqliteStore(const std::string& directory, const Clock* clock,
                                       const VerificationOutput& output);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_VERIFICATION_H_
