#ifndef ONHOOK_TESTS_SIMULATION_SIMULATION_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/log_model.h"
#include "tests/simulation/simulated_clock.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/simulated_gateway.h"
#include "tests/simulation/simulated_network.h"
#include "tests/simulation/simulated_subscriber.h"
#include "tests/simulation/simulated_vendor.h"
#include "tests/simulation/simulation_random.h"
#include "tests/simulation/simulation_trace.h"
#include "tests/support/storage_faults.h"

namespace onhook {

// A gateway's whole life on a bad machine, without threads, files or time: a vendor, subscribers
// and an administrator use one store after another on one disk, and the processes end, the power
// fails, the disk errs, connections break and clocks jump between, and within, their steps. One
// seed decides everything, so it happens again with the same seed. After each step, each recovery
// and at the end, when all is calm and everything has been delivered, the models say what does not
// hold.
//
// What is real: EmbeddedStore and all underneath it, with SqliteStorage and SQLite. What is
// modelled: streams (by what they ask of a queue), ingress (by what it asks of the log), disk,
// network, clock. What is not there: threads that run at once within the store.
//
// Threads: one; one simulation at a time.
class Simulation {
 public:
  struct Result {
    std::vector<std::string> findings;
    uint64_t trace_hash = 0;
    int64_t promises = 0;    // of the log, to store an event
    int64_t deliveries = 0;  // to consumers
    int64_t processes = 0;
    int64_t power_cuts = 0;
    int64_t failures = 0;  // of the disk
  };
  // `directory`: an empty one that exists, for the files that are not SQLite's.
  static Result Run(uint64_t seed, const std::string& directory, bool print);

 private:
  Simulation(uint64_t seed, const std::string& directory, bool print);
  // The last process goes before those that it would answer.
  ~Simulation() { gateway_.Bury(); }
  Result RunAll();

  // --- what may happen next

  void Step();
  void StepOfWorld();
  void StepOfDisk();
  void StepOfAdministrator();
  void PassTime();
  void Redrive(SimulatedSubscriber& subscriber, bool discard);
  void Seek(SimulatedSubscriber& subscriber);
  void Pause(SimulatedSubscriber& subscriber, bool pause);
  void Update(SimulatedSubscriber& subscriber);

  // --- simulation_life.cc: the ends and beginnings of processes

  EmbeddedStoreOptions SomeOptions();
  v1::SubscriptionSpec SomeSpec();
  // The process ends now; what it has not answered it never will.
  void End();
  void Close();
  // Another process, or none if the disk errs.
  void Start();
  bool Declare();
  // What holds of the log before anything is asked of it, and while it serves.
  void Watch(EventLog& log);
  // Reads all there is, and holds it against the models.
  void Check();
  bool ReadLog(std::vector<LogEventPtr>& events);
  // Calm, until everything that is owed was delivered.
  void Drain();
  // `send`: the vendor, too, goes on until it is answered.
  void DeliverAll(bool send);
  bool IsDrained();
  int64_t deliveries() const;
  void CheckDrained(const char* when);

  const std::string directory_;
  SimulationRandom random_;
  SimulationTrace trace_;
  SimulatedClock clock_;
  SimulatedNetwork network_;
  SimulatedDisk disk_;
  StorageFaults faults_;
  int64_t free_disk_ = int64_t{1} << 40;
  EmbeddedStoreOptions options_;
  LogModel log_;
  SimulatedGateway gateway_;
  SimulatedWorld world_;
  SimulatedVendor vendor_;
  std::vector<std::unique_ptr<SimulatedSubscriber>> subscribers_;
  std::vector<bool> declared_;  // each of them is in the settings
  SequenceSet forwarded_;       // that the log was asked to keep in mind
  bool opened_once_ = false;
  bool damages_ = false;  // bits turn in this run
  bool calm_ = false;     // nothing more goes wrong
  int64_t power_cuts_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATION_H_
