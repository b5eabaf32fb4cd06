#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DIRECTORY_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace onhook {

// The directory of a SQLite store: who may use it, before there is a store and while there is one.
//
// Threads: any. Blocking: as a file system does. Errors name the path, and what would do.

// The file whose lock says that a process uses the directory.
std::string SqliteLockPath(const std::string& directory);

// Makes the directory if it is missing, and locks it against other processes until the descriptor
// that it gives is closed. Errors: kFailedPrecondition: another process holds it;
// kInvalidArgument: as CheckSqliteDirectory; kUnavailable: what may pass.
absl::StatusOr<int> LockSqliteDirectory(const std::string& directory);

// Whether this process may make the directory, or what it needs in it; changes nothing. A file
// system that is read-only is an error for root too. Errors: kInvalidArgument.
absl::Status CheckSqliteDirectory(const std::string& directory);

// Whether no other process holds it, which one that is missing never is. Changes nothing; but for
// as long as it looks no other can lock it. Errors: kFailedPrecondition.
absl::Status CheckSqliteDirectoryIsFree(const std::string& directory);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DIRECTORY_H_
