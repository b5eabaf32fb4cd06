#ifndef ONHOOK_GATEWAY_STORE_SQLITE_CACHED_PAGES_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_CACHED_PAGES_H_

#include <string>

#include "absl/status/status.h"

namespace onhook {

// Makes what is read of a file from now on come from the disk.
//
// Why: when a sync fails, the kernel takes the pages for written all the same. Whoever opens the
// file later finds them in memory, every further sync succeeds, and a power cut shows that they
// never were on the disk. Worse, ext4 loses even what is written anew to such a place, until the
// pages have been forgotten (decisions/0019).
//
// OK: what was not on the disk yet is, or is forgotten; a file that is missing is left so. Nobody
// may write to it meanwhile. Blocking: the disk. Errors: kDataLoss: a sync failed, just now or
// before; the next one may succeed. kUnavailable: the file cannot be opened.
absl::Status ForgetCachedPages(const std::string& path);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_CACHED_PAGES_H_
