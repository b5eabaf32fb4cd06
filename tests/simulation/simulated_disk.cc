#include "tests/simulation/simulated_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "gateway/store/embedded/random_bits.h"

namespace onhook {
namespace {

SimulatedDisk* the_disk = nullptr;

constexpr int kShmLocks = 8;
constexpr int kSectorSize = 4096;
constexpr size_t kBlockSize = 512;

}  // namespace

// In place of gateway/store/embedded/random_bits.cc.
uint64_t RandomBits() { return the_disk->RandomBits(); }

// What all that have a file open share.
struct SimulatedDisk::Node {
  int shared = 0;  // handles with SQLITE_LOCK_SHARED or more
  Handle* reserved = nullptr;
  Handle* pending = nullptr;
  Handle* exclusive = nullptr;
  std::vector<std::unique_ptr<std::array<char, 32768>>> regions;
  int mapped = 0;  // handles
  std::array<int, kShmLocks> shm_shared = {};
  std::array<Handle*, kShmLocks> shm_exclusive = {};
};

struct SimulatedDisk::Handle {
  sqlite3_file base;
  SimulatedDisk* disk;
  struct State {
    std::string path;
    SimulatedFilePtr file;
    std::shared_ptr<Node> node;
    bool temporary = false;
    bool deleted_on_close = false;
    bool new_name = false;  // to be synced with the first sync of the file, as SQLite does
    int lock = SQLITE_LOCK_NONE;
    bool mapped = false;
    unsigned shm_shared = 0;  // bits
    unsigned shm_exclusive = 0;
  };
  State* state;

  static Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
};

// ------------------------------------------------------------------------------------- the methods

struct SimulatedDisk::Methods {
  static int Close(sqlite3_file* file) {
    Handle& handle = Handle::Of(file);
    Unlock(file, SQLITE_LOCK_NONE);
    ShmUnmap(file, 0);
    if (handle.state->deleted_on_close) handle.disk->Delete(handle.state->path, false);
    --handle.disk->open_files_;
    delete handle.state;
    handle.state = nullptr;
    return SQLITE_OK;
  }

  static int Read(sqlite3_file* file, void* to, int count, sqlite3_int64 from) {
    Handle& handle = Handle::Of(file);
    const int code = handle.disk->Reach(Call::kRead);
    if (code != SQLITE_OK) return code;
    const std::string& seen = handle.state->file->seen();
    const auto offset = static_cast<size_t>(from);
    const auto wanted = static_cast<size_t>(count);
    const size_t there = offset >= seen.size() ? 0 : std::min(wanted, seen.size() - offset);
    if (there > 0) std::memcpy(to, seen.data() + offset, there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int Lock(sqlite3_file* file, int level) {
    Handle& handle = Handle::Of(file);
    Node& node = *handle.state->node;
    int& lock = handle.state->lock;
    const auto others = [&handle](const Handle* holder) {
      return holder != nullptr && holder != &handle;
    };
    if (lock >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
      if (others(node.pending) || others(node.exclusive)) return SQLITE_BUSY;
      ++node.shared;
    } else if (level == SQLITE_LOCK_RESERVED) {
      if (others(node.reserved)) return SQLITE_BUSY;
      node.reserved = &handle;
    } else {
      if (others(node.pending) || others(node.reserved)) return SQLITE_BUSY;
      node.pending = &handle;
      if (level == SQLITE_LOCK_EXCLUSIVE && node.shared > 1) {
        lock = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
      }
      if (level == SQLITE_LOCK_EXCLUSIVE) node.exclusive = &handle;
    }
    lock = level;
    return SQLITE_OK;
  }

  static int Unlock(sqlite3_file* file, int level) {
    Handle& handle = Handle::Of(file);
    Node& node = *handle.state->node;
    int& lock = handle.state->lock;
    if (lock <= level) return SQLITE_OK;
    for (Handle** holder : {&node.reserved, &node.pending, &node.exclusive}) {
      if (*holder == &handle) *holder = nullptr;
    }
    if (level == SQLITE_LOCK_NONE) --node.shared;
    lock = level;
    return SQLITE_OK;
  }

  static int CheckReservedLock(sqlite3_file* file, int* reserved) {
    *reserved = Handle::Of(file).state->node->reserved != nullptr ? 1 : 0;
    return SQLITE_OK;
  }

  static int ShmMap(sqlite3_file* file, int region, int, int extend, void volatile** to) {
    Handle& handle = Handle::Of(file);
    *to = nullptr;
    if (handle.disk->stopped_) return SQLITE_IOERR_SHMMAP;
    Node& node = *handle.state->node;
    if (!handle.state->mapped) {
      handle.state->mapped = true;
      ++node.mapped;
    }
    const auto wanted = static_cast<size_t>(region) + 1;
    if (node.regions.size() < wanted && extend == 0) return SQLITE_OK;
    while (node.regions.size() < wanted) {
      node.regions.push_back(std::make_unique<std::array<char, 32768>>());
      node.regions.back()->fill(0);
    }
    *to = node.regions[wanted - 1]->data();
    return SQLITE_OK;
  }

  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    Handle& handle = Handle::Of(file);
    Node& node = *handle.state->node;
    Handle::State& state = *handle.state;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    const bool unlock = (flags & SQLITE_SHM_UNLOCK) != 0;
    for (int i = offset; i < offset + count && !unlock; ++i) {
      const auto slot = static_cast<size_t>(i);
      const bool mine = (state.shm_shared & (1U << slot)) != 0;
      if (node.shm_exclusive[slot] != nullptr && node.shm_exclusive[slot] != &handle) {
        return SQLITE_BUSY;
      }
      if (exclusive && node.shm_shared[slot] > (mine ? 1 : 0)) return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + count; ++i) {
      const auto slot = static_cast<size_t>(i);
      const unsigned bit = 1U << slot;
      if (exclusive) {
        node.shm_exclusive[slot] = unlock ? nullptr : &handle;
        state.shm_exclusive = unlock ? state.shm_exclusive & ~bit : state.shm_exclusive | bit;
      } else if (((state.shm_shared & bit) != 0) == unlock) {
        node.shm_shared[slot] += unlock ? -1 : 1;
        state.shm_shared ^= bit;
      }
    }
    return SQLITE_OK;
  }

  static int ShmUnmap(sqlite3_file* file, int remove) {
    Handle& handle = Handle::Of(file);
    if (!handle.state->mapped) return SQLITE_OK;
    ShmLock(file, 0, kShmLocks, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    Node& node = *handle.state->node;
    for (Handle*& holder : node.shm_exclusive) {
      if (holder == &handle) holder = nullptr;
    }
    handle.state->mapped = false;
    // Whoever comes first of a process begins with an empty one.
    if (--node.mapped > 0) return SQLITE_OK;
    std::string& left = handle.disk->left_shared_memory_[handle.state->path];
    left.clear();
    for (const auto& region : node.regions) {
      if (remove == 0) left.append(region->data(), region->size());
    }
    node.regions.clear();
    return SQLITE_OK;
  }

  static int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
};

const sqlite3_io_methods SimulatedDisk::kMethods = {
    /*iVersion=*/2,  // no memory-mapped reading
    &Methods::Close,
    &Methods::Read,
    [](sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
      Handle& handle = Handle::Of(file);
      return handle.disk->Write(handle, static_cast<const char*>(from), static_cast<size_t>(count),
                                static_cast<size_t>(offset));
    },
    [](sqlite3_file* file, sqlite3_int64 size) {
      Handle& handle = Handle::Of(file);
      return handle.disk->Truncate(handle, static_cast<size_t>(size));
    },
    [](sqlite3_file* file, int) {
      Handle& handle = Handle::Of(file);
      return handle.disk->Sync(handle);
    },
    [](sqlite3_file* file, sqlite3_int64* size) {
      *size = static_cast<sqlite3_int64>(Handle::Of(file).state->file->seen().size());
      return SQLITE_OK;
    },
    &Methods::Lock,
    &Methods::Unlock,
    &Methods::CheckReservedLock,
    &Methods::FileControl,
    [](sqlite3_file*) { return kSectorSize; },
    // As SQLite's own for Linux has it.
    [](sqlite3_file*) -> int { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; },
    &Methods::ShmMap,
    &Methods::ShmLock,
    [](sqlite3_file*) {},
    &Methods::ShmUnmap,
    /*xFetch=*/nullptr,
    /*xUnfetch=*/nullptr,
};

// ---------------------------------------------------------------------------------------- the disk

SimulatedDisk* SimulatedDisk::current() { return the_disk; }

SimulatedDisk::SimulatedDisk(SimulationRandom* random)
    : random_(random), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  the_disk = this;
  vfs_.zName = "simulated";
  vfs_.szOsFile = static_cast<int>(sizeof(Handle));
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.xOpen = [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
    return the_disk->Open(path, &Handle::Of(file), flags, out);
  };
  vfs_.xDelete = [](sqlite3_vfs*, const char* path, int sync) {
    return the_disk->Delete(path, sync != 0);
  };
  vfs_.xAccess = [](sqlite3_vfs*, const char* path, int, int* result) {
    const SimulatedFilePtr file = the_disk->files_.Find(path);
    *result = file != nullptr ? 1 : 0;
    return SQLITE_OK;
  };
  vfs_.xFullPathname = [](sqlite3_vfs*, const char* path, int bytes, char* full) -> int {
    sqlite3_snprintf(bytes, full, "%s", path);
    return SQLITE_OK;
  };
  vfs_.xRandomness = [](sqlite3_vfs*, int bytes, char* to) -> int {
    for (int i = 0; i < bytes; ++i) to[i] = static_cast<char>(the_disk->random_->Bits());
    return bytes;
  };
  vfs_.xSleep = [](sqlite3_vfs*, int microseconds) -> int { return microseconds; };
  vfs_.xCurrentTime = [](sqlite3_vfs*, double* day) -> int {
    *day = 2460000.5;
    return SQLITE_OK;
  };
  vfs_.xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64* ms) -> int {
    *ms = sqlite3_int64{2460000} * 86'400'000;
    return SQLITE_OK;
  };
  vfs_.xGetLastError = [](sqlite3_vfs*, int, char*) -> int { return 0; };
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
  sqlite3_randomness(0, nullptr);  // begins anew, with our xRandomness
}

SimulatedDisk::~SimulatedDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, /*makeDflt=*/1);
  the_disk = nullptr;
}

void SimulatedDisk::EndWithin(int64_t calls, std::function<void()> ended) {
  ends_within_ = calls;
  ended_ = std::move(ended);
}

void SimulatedDisk::Die() {
  stopped_ = true;
  ended_();
}

int SimulatedDisk::Reach(Call call) {
  if (stopped_) return call == Call::kRead ? SQLITE_IOERR_READ : SQLITE_IOERR_WRITE;
  if (call != Call::kRead && ends_within_ > 0 && --ends_within_ == 0) return kDies;
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->call != call || fault->after-- > 0) continue;
    const int code = fault->code;
    ++failures_;
    if (!fault->lasting) faults_.erase(fault);
    return code;
  }
  return SQLITE_OK;
}

std::shared_ptr<SimulatedDisk::Node> SimulatedDisk::NodeOf(const std::string& path) {
  std::shared_ptr<Node> node = nodes_[path].lock();
  if (node == nullptr) nodes_[path] = node = std::make_shared<Node>();
  return node;
}

int SimulatedDisk::Open(const char* path, Handle* handle, int flags, int* out_flags) {
  handle->base.pMethods = nullptr;
  const int code = Reach(Call::kOpen);
  if (code == kDies) Die();
  if (code != SQLITE_OK) return SQLITE_CANTOPEN;
  auto state = std::make_unique<Handle::State>();
  state->temporary = path == nullptr;
  if (path != nullptr) state->path = path;
  SimulatedFilePtr file = path == nullptr ? std::make_shared<SimulatedFile>() : files_.Find(path);
  if (file == nullptr) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    file = files_.Create(path);
    state->new_name = (flags & SQLITE_OPEN_MAIN_DB) == 0;
  }
  state->file = std::move(file);
  state->node = state->temporary ? std::make_shared<Node>() : NodeOf(state->path);
  state->deleted_on_close = path != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  handle->disk = this;
  handle->state = state.release();
  handle->base.pMethods = &kMethods;
  ++open_files_;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int SimulatedDisk::Write(Handle& handle, const char* bytes, size_t count, size_t offset) {
  const int code = Reach(Call::kWrite);
  if (stopped_) return code;
  ++writes_;
  size_t written = count;
  // A write that fails, or in which the process ends, may have begun.
  // It ends where a block does.
  if (code != SQLITE_OK) {
    written = random_->OneIn(2) ? 0 : random_->Below(count);
    written -= std::min(written, (offset + written) % kBlockSize);
  }
  if (written > 0) handle.state->file->Write(offset, {bytes, written});
  if (code == kDies) Die();
  return code == kDies ? SQLITE_IOERR_WRITE : code;
}

int SimulatedDisk::Truncate(Handle& handle, size_t size) {
  const int code = Reach(Call::kTruncate);
  if (stopped_) return SQLITE_IOERR_TRUNCATE;
  ++writes_;
  if (code == SQLITE_OK || (code == kDies && random_->OneIn(2))) {
    handle.state->file->Truncate(size);
  }
  if (code == kDies) Die();
  return code == kDies ? SQLITE_IOERR_TRUNCATE : code;
}

int SimulatedDisk::Sync(Handle& handle) {
  return SyncFile(*handle.state->file, &handle.state->new_name);
}

int SimulatedDisk::SyncFile(SimulatedFile& file, bool* new_name) {
  const int code = Reach(Call::kSync);
  if (stopped_) return SQLITE_IOERR_FSYNC;
  if (code == SQLITE_OK) {
    file.Sync();
    if (*new_name) files_.SyncNames();
    *new_name = false;
  } else if (code == kDies) {
    if (random_->OneIn(2)) {
      file.Sync();
    } else {
      file.WriteBack(*random_);
    }
    Die();
  } else {
    file.FailSync(*random_);
  }
  return code == kDies ? SQLITE_IOERR_FSYNC : code;
}

int SimulatedDisk::Delete(const std::string& path, bool sync) {
  const int code = Reach(Call::kDelete);
  if (stopped_) return SQLITE_IOERR_DELETE;
  if (code == kDies) Die();
  if (code != SQLITE_OK) return SQLITE_IOERR_DELETE;
  if (files_.Find(path) == nullptr) return SQLITE_IOERR_DELETE_NOENT;
  files_.Delete(path);
  if (sync) files_.SyncNames();
  return SQLITE_OK;
}

int SimulatedDisk::SyncPath(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    const int code = Reach(Call::kSyncNames);
    if (code == SQLITE_OK) files_.SyncNames();
    if (code == kDies) Die();
    return code == SQLITE_OK ? 0 : EIO;
  }
  const SimulatedFilePtr file = files_.Find(path);
  if (file == nullptr) return 0;
  bool new_name = false;
  return SyncFile(*file, &new_name) == SQLITE_OK ? 0 : EIO;
}

void SimulatedDisk::ForgetSeen(const std::string& path) {
  const SimulatedFilePtr file = files_.Find(path);
  if (file != nullptr && !stopped_) file->ForgetSeen();
}

std::string SimulatedDisk::CutPower() {
  std::string words = files_.CutPower(*random_);
  // It is never synced.
  if (random_->OneIn(2)) left_shared_memory_.clear();
  Restart();
  return words;
}

void SimulatedDisk::LayOut(const std::string& directory) const {
  for (const char* name : {"/onhook.db", "/onhook.db-wal", "/onhook.db-journal"}) {
    const SimulatedFilePtr file = files_.Find(directory + name);
    if (file == nullptr) {
      std::remove((directory + name).c_str());
    } else {
      std::ofstream(directory + name, std::ios::binary | std::ios::trunc) << file->seen();
    }
  }
  const std::string index = directory + "/onhook.db-shm";
  const auto left = left_shared_memory_.find(directory + "/onhook.db");
  if (left == left_shared_memory_.end() || left->second.empty()) {
    std::remove(index.c_str());
  } else {
    std::ofstream(index, std::ios::binary | std::ios::trunc) << left->second;
  }
}

bool SimulatedDisk::FlipBits(const std::string& path, int bits) {
  const SimulatedFilePtr file = files_.Find(path);
  if (file == nullptr || file->seen().empty()) return false;
  for (int i = 0; i < bits; ++i) {
    size_t byte = random_->Below(file->seen().size());
    // Half of them where the words of events are, if they are near.
    if (random_->OneIn(2))
      byte = std::min(file->seen().find("xxxx", byte), file->seen().size() - 1);
    file->FlipBit(byte, random_->Below(8));
  }
  return true;
}

}  // namespace onhook

namespace {

std::string PathOf(int descriptor) {
  std::array<char, 4096> path;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t size = readlink(link.c_str(), path.data(), path.size());
  return {path.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
}

}  // namespace

// In place of the system's own calls, which the gateway makes beside SQLite.
extern "C" int fsync(int descriptor) {
  if (onhook::SimulatedDisk::current() == nullptr) return 0;
  errno = onhook::SimulatedDisk::current()->SyncPath(PathOf(descriptor));
  return errno == 0 ? 0 : -1;
}

extern "C" int posix_fadvise(int descriptor, off_t, off_t, int) noexcept {
  if (onhook::SimulatedDisk::current() != nullptr) {
    onhook::SimulatedDisk::current()->ForgetSeen(PathOf(descriptor));
  }
  return 0;
}
