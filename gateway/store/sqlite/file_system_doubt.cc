#include "gateway/store/sqlite/file_system_doubt.h"

#include <linux/magic.h>
#include <sys/statfs.h>

namespace onhook {

absl::string_view FileSystemDoubt(int64_t type) {
  // Some machines' f_type has 32 bits and a sign.
  switch (static_cast<uint32_t>(type)) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return "the store is in memory: its events are gone once this machine or this pod is. Put "
             "store.directory on a disk";
    case OVERLAYFS_SUPER_MAGIC:
      return "the store is in a container's own layer: its events are gone once the container is. "
             "Put store.directory on a volume";
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
      return "the store is on another machine's disk, by a protocol over which neither its log of "
             "writes nor its lock can be relied on. Put store.directory on a disk of this machine "
             "or on block storage";
    default:
      return "";
  }
}

absl::string_view FileSystemDoubtOf(const std::string& path) {
  struct statfs file_system {};
  if (statfs(path.c_str(), &file_system) != 0) return "";
  return FileSystemDoubt(file_system.f_type);
}

}  // namespace onhook
