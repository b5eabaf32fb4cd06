#include "tests/support/faulty_disk.h"

namespace onhook {

// The wrapper; the real file lies behind it in the same allocation, as SQLite wants it.
struct FaultyDisk::File {
  sqlite3_file base;
  FaultyDisk* disk;

  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* Real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(Of(file) + 1);
  }
  static const sqlite3_io_methods* Methods(sqlite3_file* file) { return Real(file)->pMethods; }
};

const sqlite3_io_methods FaultyDisk::kMethods = {
    /*iVersion=*/2,  // no memory-mapped reading
    [](sqlite3_file* file) { return File::Methods(file)->xClose(File::Real(file)); },
    [](sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
      return File::Methods(file)->xRead(File::Real(file), to, bytes, offset);
    },
    [](sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
      const int code = File::Of(file)->disk->write_code_;
      if (code != SQLITE_OK) return code;
      return File::Methods(file)->xWrite(File::Real(file), from, bytes, offset);
    },
    [](sqlite3_file* file, sqlite3_int64 size) {
      return File::Methods(file)->xTruncate(File::Real(file), size);
    },
    [](sqlite3_file* file, int) -> int { return File::Of(file)->disk->sync_code_; },
    [](sqlite3_file* file, sqlite3_int64* size) {
      return File::Methods(file)->xFileSize(File::Real(file), size);
    },
    [](sqlite3_file* file, int level) {
      return File::Methods(file)->xLock(File::Real(file), level);
    },
    [](sqlite3_file* file, int level) {
      return File::Methods(file)->xUnlock(File::Real(file), level);
    },
    [](sqlite3_file* file, int* reserved) {
      return File::Methods(file)->xCheckReservedLock(File::Real(file), reserved);
    },
    [](sqlite3_file* file, int operation, void* argument) {
      return File::Methods(file)->xFileControl(File::Real(file), operation, argument);
    },
    [](sqlite3_file* file) { return File::Methods(file)->xSectorSize(File::Real(file)); },
    [](sqlite3_file* file) {
      return File::Methods(file)->xDeviceCharacteristics(File::Real(file));
    },
    [](sqlite3_file* file, int page, int bytes, int extend, volatile void** region) {
      return File::Methods(file)->xShmMap(File::Real(file), page, bytes, extend, region);
    },
    [](sqlite3_file* file, int offset, int count, int flags) {
      return File::Methods(file)->xShmLock(File::Real(file), offset, count, flags);
    },
    [](sqlite3_file* file) { File::Methods(file)->xShmBarrier(File::Real(file)); },
    [](sqlite3_file* file, int remove) {
      return File::Methods(file)->xShmUnmap(File::Real(file), remove);
    },
    /*xFetch=*/nullptr,
    /*xUnfetch=*/nullptr,
};

FaultyDisk::FaultyDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = "faulty";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.xOpen = &FaultyDisk::Open;
  // The real one looks for its own data behind the pointer it is given.
  vfs_.xDelete = [](sqlite3_vfs* vfs, const char* path, int sync) {
    sqlite3_vfs* const real = static_cast<FaultyDisk*>(vfs->pAppData)->real_;
    return real->xDelete(real, path, sync);
  };
  vfs_.xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    sqlite3_vfs* const real = static_cast<FaultyDisk*>(vfs->pAppData)->real_;
    return real->xAccess(real, path, flags, result);
  };
  vfs_.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int bytes, char* full) {
    sqlite3_vfs* const real = static_cast<FaultyDisk*>(vfs->pAppData)->real_;
    return real->xFullPathname(real, path, bytes, full);
  };
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, /*makeDflt=*/1);
}

int FaultyDisk::Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  auto* const disk = static_cast<FaultyDisk*>(vfs->pAppData);
  File::Of(file)->disk = disk;
  file->pMethods = nullptr;
  const int code = disk->real_->xOpen(disk->real_, path, File::Real(file), flags, out);
  if (File::Real(file)->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

}  // namespace onhook
