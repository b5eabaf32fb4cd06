#ifndef ONHOOK_GATEWAY_BASE_REGULAR_FILE_H_
#define ONHOOK_GATEWAY_BASE_REGULAR_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace onhook {

// Appends the content of a small file to `bytes`.
//
// Errors: kInvalidArgument; the message completes "the file ...": it cannot be read, is no regular
// file, or is larger than `most_bytes`, of which `bytes` then has one more.
// Threads: any. Blocking: as the disk does; never for a pipe's other end.
absl::Status ReadRegularFile(const std::string& path, size_t most_bytes, std::string& bytes);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_REGULAR_FILE_H_
