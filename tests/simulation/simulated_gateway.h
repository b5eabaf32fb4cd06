#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_GATEWAY_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/embedded_store.h"
#include "tests/simulation/log_model.h"
#include "tests/simulation/queue_model.h"
#include "tests/simulation/simulated_clock.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/simulated_network.h"
#include "tests/simulation/simulation_random.h"
#include "tests/simulation/simulation_trace.h"
#include "tests/support/storage_faults.h"

namespace onhook {

// The store of one gateway after another on one disk: SqliteStorage and EmbeddedStore, as they are
// shipped, worked by hand. Each gateway is a process that may end at any call to the disk.
//
// Threads: one at a time.
class SimulatedGateway {
 public:
  SimulatedGateway(std::string directory, const EmbeddedStoreOptions& options,
                   const SimulatedClock* clock, SimulatedDisk* disk, SimulationTrace* trace,
                   StorageFaults* faults);
  ~SimulatedGateway();

  // A new process opens the store. False: it ended instead.
  bool Start();
  std::string database() const { return directory_ + "/onhook.db"; }
  // Why the last one did not start. Not for the trace, which knows no directory.
  const std::string& refusal() const { return refusal_; }
  // It lives, and serves.
  bool alive() const { return store_ != nullptr && !disk_->stopped(); }
  // Counts processes.
  int64_t number() const { return number_; }
  Store& store() { return *store_; }

  // One step of a thread. True: it did something.
  bool Commit() { return alive() && work_.commit(); }
  bool Read() { return alive() && work_.read(); }
  void Tick() {
    if (alive()) work_.tick();
  }
  // Works until nothing is to be done now.
  void Work();
  // A next checkpoint is due with the next commit.
  void MakeMaintenanceDue() { faults_->MakeMaintenanceDue(); }

  // Ends in good order. What is asked for meanwhile is answered.
  absl::Status Close();
  // The process is killed, or was: frees what it held. Nothing of it reaches the disk.
  void Bury();

 private:
  const std::string directory_;
  EmbeddedStoreOptions options_;
  const SimulatedClock* const clock_;
  SimulatedDisk* const disk_;
  SimulationTrace* const trace_;
  StorageFaults* const faults_;
  const Log log_;
  StoreWork work_;
  std::unique_ptr<Store> store_;
  int64_t number_ = 0;
  std::string refusal_;
};

// Everything that a simulation's actors share.
struct SimulatedWorld {
  SimulationRandom* random = nullptr;
  SimulationTrace* trace = nullptr;
  SimulatedClock* clock = nullptr;
  SimulatedDisk* disk = nullptr;
  SimulatedNetwork* network = nullptr;
  SimulatedGateway* gateway = nullptr;
  LogModel* log = nullptr;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_GATEWAY_H_
