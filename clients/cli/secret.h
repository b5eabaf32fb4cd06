#ifndef ONHOOK_CLIENTS_CLI_SECRET_H_
#define ONHOOK_CLIENTS_CLI_SECRET_H_

#include <string>

#include "absl/status/statusor.h"

namespace onhook::cli {

// Secrets that are handed to this program as files. Threads: any. Blocking: read one.

// The file's content without one line end at its end, as the gateway reads it. kInvalidArgument:
// names the file, and holds nothing of its content.
absl::StatusOr<std::string> ReadSecret(const std::string& path);

// Of a token, which goes into a line of its own: nothing in it may end that line.
absl::StatusOr<std::string> ReadToken(const std::string& path);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SECRET_H_
