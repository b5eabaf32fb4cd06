#ifndef ONHOOK_GATEWAY_STORE_SQLITE_FILE_SYSTEM_DOUBT_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_FILE_SYSTEM_DOUBT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// Why a store that lies on a file system may lose events although each write was synced: whoever
// mounts volumes easily puts one where nothing lasts. It is a doubt and no fault, since it may be
// meant, for a try; and what a file system does not tell, as a directory that somebody else deletes
// with a pod, stays unseen.

// `type` is statfs' f_type. A sentence without a full stop; empty where nothing speaks against it.
absl::string_view FileSystemDoubt(int64_t type);

// Of the one that `path` lies on; empty too where that cannot be told. Blocks on the disk. Threads:
// any.
absl::string_view FileSystemDoubtOf(const std::string& path);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_FILE_SYSTEM_DOUBT_H_
