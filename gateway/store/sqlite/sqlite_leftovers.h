#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LEFTOVERS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LEFTOVERS_H_

#include <string>

#include "absl/status/status.h"

namespace onhook {

// Files that stand in a store's directory for a while only, and what a start makes of those that a
// crash has left there.
//
// Threads: any, by who holds the directory's lock. Blocking: for the disk.

// Of the copy that a backup makes.
std::string BackupPath(const std::string& directory);
// Of a store that is being restored, until it is complete; empty once that has failed. While it is
// there, and no store, no gateway begins an empty one.
std::string RestoringPath(const std::string& directory);
// Empty; there while a loss is being accepted. What stands beside it is half of two stores.
std::string AcceptingLossPath(const std::string& directory);

// Makes an empty file, durable with its name. Errors: kUnavailable.
absl::Status MakeMark(const std::string& path);
// Durable when it returns. Errors: kUnavailable.
absl::Status RemoveMark(const std::string& path);

// Removes what SQLite put beside a file of this name, which nobody has open. Errors: kUnavailable.
absl::Status RemoveCompanions(const std::string& path);
// Removes a file of this name, and what SQLite put beside it. Errors: kUnavailable.
absl::Status RemoveWithCompanions(const std::string& path);

// Errors: kFailedPrecondition: a restore was not completed, so that a new store here would look
// like the one that was to come.
absl::Status CheckRestored(const std::string& directory);

// Removes what is of no use any more. Errors: CheckRestored's; kUnavailable.
absl::Status RemoveLeftovers(const std::string& directory);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LEFTOVERS_H_
