#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_FILES_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_FILES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/simulation/simulation_random.h"

namespace onhook {

// A file as a process sees it, and as it lies on the disk: what was written is in the first at
// once, and in the second when it was synced; at a power cut, any part of the rest may be there
// too.
//
// Threads: one at a time.
class SimulatedFile {
 public:
  const std::string& seen() const { return seen_; }

  void Write(size_t offset, absl::string_view bytes);
  void Truncate(size_t size);
  // Everything is on the disk.
  void Sync();
  // The sync has failed: each write since the last one is on the disk, or never will be, though it
  // is seen still and no later sync will fail (what Linux does: it takes the pages for written).
  void FailSync(SimulationRandom& random);
  // What is seen is what is on the disk, but for what was not synced yet.
  void ForgetSeen();
  // The disk writes some of what it was given, in any order. Nobody notices.
  void WriteBack(SimulationRandom& random);
  // How a power cut treats what was not synced.
  enum class Cut {
    kLosesAll,
    kKeepsAll,
    kKeepsFirst,  // of the writes
    kKeepsSome,   // of the writes, each whole
    kTears,       // writes, into sectors of 512 or 4096 bytes of which any may be there
  };
  // What is seen is what is on the disk now.
  void CutPower(Cut cut, SimulationRandom& random);
  // Bits of what is on the disk, and seen, turn over.
  void FlipBit(size_t byte, int bit);

  bool has_unsynced() const { return !unsynced_.empty(); }

 private:
  struct Change {
    bool truncates = false;
    size_t offset = 0;  // or the new size
    std::string bytes;
  };
  static void Apply(const Change& change, std::string& content);
  static void Tear(const Change& change, size_t sector, SimulationRandom& random,
                   std::string& content);

  std::string seen_;
  std::string durable_;
  std::vector<Change> unsynced_;
};
using SimulatedFilePtr = std::shared_ptr<SimulatedFile>;

// The files of one directory, by path. Names are on the disk when the directory was synced.
//
// Threads: one at a time.
class SimulatedFiles {
 public:
  // Null: there is none.
  SimulatedFilePtr Find(const std::string& path) const;
  SimulatedFilePtr Create(const std::string& path);
  void Delete(const std::string& path);
  void SyncNames();
  // The kinds of cut are chosen by seed. Returns what was lost or kept, in words.
  std::string CutPower(SimulationRandom& random);
  // The disk writes some of what it was given.
  void WriteBack(SimulationRandom& random);

 private:
  struct NameChange {
    std::string path;
    SimulatedFilePtr file;  // null: deleted
  };
  static void Apply(const NameChange& change, std::map<std::string, SimulatedFilePtr>& files);

  std::map<std::string, SimulatedFilePtr> seen_;
  std::map<std::string, SimulatedFilePtr> durable_;
  std::vector<NameChange> unsynced_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_FILES_H_
