#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_DISK_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_DISK_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/simulated_files.h"
#include "tests/simulation/simulation_random.h"

namespace onhook {

// While it lives, every SQLite file that is opened lies on this disk, which is in memory: with what
// was written and what was synced kept apart, errors when the simulation says so, and an end of the
// process, or of the power, within any call. What the gateway asks of the directory by system
// calls goes to the real one, where LayOut puts copies of the files as they are when a process
// begins; but every fsync() of this program is a sync of this disk's names.
//
// One at a time; it must outlive the files. Threads: one at a time.
class SimulatedDisk {
 public:
  explicit SimulatedDisk(SimulationRandom* random);
  ~SimulatedDisk();

  enum class Call { kOpen, kRead, kWrite, kTruncate, kSync, kDelete, kSyncNames };
  struct Fault {
    Call call = Call::kWrite;
    int code = SQLITE_OK;  // of SQLite
    int64_t after = 0;     // so many calls of that kind
    bool lasting = false;  // until Heal; else once
  };
  void Fail(Fault fault) { faults_.push_back(fault); }
  void Heal() { faults_.clear(); }
  // Faults that have come so far.
  int64_t failures() const { return failures_; }

  // The process ends within the so manieth call that changes something, from now.
  void EndWithin(int64_t calls, std::function<void()> ended);
  // The process is no more: its calls fail, and change nothing.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  // The process's files must have been closed. The kernel keeps what was written.
  void Restart() {
    stopped_ = false;
    ends_within_ = 0;
  }
  // As Restart, but the kernel keeps nothing. Returns what was lost or kept, in words.
  std::string CutPower();
  // The kernel writes some of what it keeps.
  void WriteBack() { files_.WriteBack(*random_); }
  // Makes the real files below `directory` what these are, for who looks at them without SQLite;
  // and the write-ahead log's index, as the process that ended left it.
  void LayOut(const std::string& directory) const;
  // Turns bits of the file that ends so. False: there is none, or it is empty.
  bool FlipBits(const std::string& path, int bits);

  int64_t writes() const { return writes_; }
  // Of open handles.
  int64_t open_files() const { return open_files_; }
  uint64_t RandomBits() { return random_->Bits(); }
  int SyncNames();

  // The one that lives.
  static SimulatedDisk* current();

 private:
  struct Node;
  struct Handle;
  struct Methods;
  static const sqlite3_io_methods kMethods;

  // What the call is to give; kDies: the process ends within it.
  static constexpr int kDies = -1;
  int Reach(Call call);
  void Die();
  int Open(const char* path, Handle* handle, int flags, int* out_flags);
  int Write(Handle& handle, const char* bytes, size_t count, size_t offset);
  int Truncate(Handle& handle, size_t size);
  int Sync(Handle& handle);
  int Delete(const std::string& path, bool sync);
  std::shared_ptr<Node> NodeOf(const std::string& path);

  SimulationRandom* const random_;
  SimulatedFiles files_;
  // Locks and shared memory, by path, while the file is open.
  std::map<std::string, std::weak_ptr<Node>> nodes_;
  // What is left of the shared memory, by path of the database.
  std::map<std::string, std::string> left_shared_memory_;
  std::vector<Fault> faults_;
  int64_t failures_ = 0;
  int64_t ends_within_ = 0;  // calls; 0: not planned
  std::function<void()> ended_;
  bool stopped_ = false;
  int64_t writes_ = 0;
  int64_t open_files_ = 0;
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_DISK_H_
