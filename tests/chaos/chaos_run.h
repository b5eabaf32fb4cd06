#ifndef ONHOOK_TESTS_CHAOS_CHAOS_RUN_H_
#define ONHOOK_TESTS_CHAOS_CHAOS_RUN_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/consumer_process.h"
#include "tests/chaos/gateway_life.h"

namespace onhook {

// Twenty unruly consumers on three subscriptions, killed and stopped at random, while the vendor
// posts and the gateway is killed now and then; and how all of it comes to rest.
//
//   steady  default specification: nothing is given up unasked
//   hasty   short deadlines and few attempts, with consumers that forget: much is given up
//   picky   a filter, and attempts without limit
//
// Threads: one. A failure is a failed expectation of the test.
class ChaosRun {
 public:
  static constexpr int kConsumers = 20;
  static const std::vector<std::string>& Subscriptions();

  explicit ChaosRun(uint64_t seed);
  ~ChaosRun();

  // Starts the first gateway and every consumer. False: it did not come up.
  bool Start();
  // Has so many callbacks accepted, with consumers harmed all the while and the gateway killed once
  // at a random time. False: something did not come up, or took too long.
  bool Round(int64_t callbacks);
  // The consumers behave over one more kill, until nothing is owed; then they leave, and the dead
  // letters are entered into the ledger.
  void Calm();
  // Sends a subscription back to where it began, which the ledger is not told.
  void SendBack(const std::string& subscription) {
    life_.Seek(subscription, v1::START_POSITION_EARLIEST);
  }
  // Redrives every dead letter, and has them acked; expects that each is received once.
  // Returns how many there were.
  int64_t RedriveAll();

  // What happened, for who reads the test's output.
  std::string Summary();

  const CallLedger& ledger() { return life_.ledger(); }

 private:
  struct Chair {
    std::string subscription;
    std::string manner;
    std::unique_ptr<ConsumerProcess> consumer;
    absl::Duration stopped_until;  // zero: it runs
  };

  uint64_t Below(uint64_t end) { return random_() % end; }
  absl::Duration RandomBelow(absl::Duration most);
  bool StartGateway();
  // Lets a little time pass, then perhaps harms somebody.
  void Step();
  void Occupy(Chair& chair);
  // The process is gone, with all it said.
  void Vacate(Chair& chair);
  void Stop(Chair& chair);
  void ContinueAll(bool only_due);

  const SystemClock clock_;
  std::mt19937_64 random_;
  GatewayLife life_;
  std::vector<Chair> chairs_;
  int started_ = 0;
  int killed_ = 0;
  int stopped_ = 0;
  int64_t broken_streams_ = 0;
  int64_t unanswered_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CHAOS_CHAOS_RUN_H_
