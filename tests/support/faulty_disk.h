#ifndef ONHOOK_TESTS_SUPPORT_FAULTY_DISK_H_
#define ONHOOK_TESTS_SUPPORT_FAULTY_DISK_H_

#include <sqlite3.h>

#include <atomic>

namespace onhook {

// While it lives, SQLite files that are opened lie on a disk whose writes and syncs fail when the
// test says so; otherwise they are ordinary files. A sync that succeeds does nothing: no test of
// this kind cuts the power, and thousands of commits take no time. One at a time; it must outlive
// the files.
//
// Threads: any.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();

  // Every write, or sync, gives this result code until Heal: SQLITE_FULL, SQLITE_IOERR_WRITE,
  // SQLITE_IOERR_FSYNC ...
  void FailWrites(int code) { write_code_ = code; }
  void FailSyncs(int code) { sync_code_ = code; }
  void Heal() {
    write_code_ = SQLITE_OK;
    sync_code_ = SQLITE_OK;
  }

 private:
  struct File;
  static const sqlite3_io_methods kMethods;
  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);

  std::atomic<int> write_code_{SQLITE_OK};
  std::atomic<int> sync_code_{SQLITE_OK};
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAULTY_DISK_H_
