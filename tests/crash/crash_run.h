#ifndef ONHOOK_TESTS_CRASH_CRASH_RUN_H_
#define ONHOOK_TESTS_CRASH_CRASH_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/fault.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/recording_subscriber.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// One data directory, the gateways that run on it one after the other, and around them the vendor
// and two backends that outlive them all: "acking", which settles nearly everything at once, and
// "holding", which settles nothing before the end.
//
// A failure is a failed expectation of the test, with the gateway's log. Threads: one.
class CrashRun {
 public:
  // With a `key` the vendor signs, and the gateway enforces that as its setting says.
  CrashRun(uint64_t seed, int connections, std::string key = "", std::string enforce = "reject");
  ~CrashRun();

  // Before the first start. Each is asked to prepare the gateways in the order of their coming.
  void Add(std::unique_ptr<Fault> fault);
  // Where the gateways keep their store; for a fault's Begin.
  void PlaceStore(std::string directory) { store_directory_ = std::move(directory); }

  // Before the first start: "acking" settles all it gets, so that nothing holds back its floor.
  void AckAll() { acking_->SetMode(RecordingSubscriber::Mode::kAckAll); }

  // Starts a gateway; false, and a failed expectation, if it does not come up.
  bool Start();
  // Lets the gateway work for a while, strikes once with a fault that chance takes, and starts
  // another gateway if this one is gone; so many times. False: one did not come up.
  bool Rounds(int64_t rounds, absl::Duration most);
  // Lets some callbacks be accepted, then goes on for a random while below `most`.
  void WorkFor(absl::Duration most);
  void Kill();
  // One time in four, starts a gateway and kills it before or while it recovers; then perhaps
  // another one.
  void KillSomeStarts();
  // Ends the gateway as an operator does, and expects exit code 0.
  void Terminate();

  // Takes from the dead gateway's store what is only in its write-ahead log.
  void LoseWriteAheadLog();

  // The end of the load: the vendor repeats what was not accepted, and after a kill both backends
  // settle what they have.
  void FinishLoad();
  // Both backends settle all that was promised; then, over one more kill, exactly one further
  // callback reaches them.
  void SettleEverything();
  // Posts one callback that lies behind all others in the log, so that what is owed still comes
  // before it, and waits until both backends have settled it.
  void SettleOneMore();

  // --- for faults

  OnhookdProcess& gateway() { return *gateway_; }
  // Whether there is a gateway, as far as anybody has noticed.
  bool running() const { return running_; }
  // The gateway has ended by itself; expects that it did so with this exit code.
  void ExpectEnd(int exit_code);
  const std::string& store_directory() const { return store_directory_; }
  std::mt19937_64& random() { return random_; }
  absl::Duration RandomBelow(absl::Duration most);

  CallLedger& ledger() { return ledger_; }

  // --- what came of it

  const CallLedger& ledger() const { return ledger_; }
  int kills() const { return kills_; }
  int64_t unanswered() const { return load_->unanswered(); }
  CallbackLoad::Altered altered() const { return load_->altered(); }

 private:
  OnhookdProcess::Options GatewayOptions();

  const int connections_;
  const std::string key_;
  const std::string enforce_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  std::string store_directory_ = directory_.path() + "/store";
  std::vector<std::unique_ptr<Fault>> faults_;
  CallLedger ledger_;
  GatewayAddress address_;
  int kills_ = 0;
  bool running_ = false;
  std::optional<OnhookdProcess> gateway_;
  std::optional<CallbackLoad> load_;
  std::optional<RecordingSubscriber> acking_;
  std::optional<RecordingSubscriber> holding_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CRASH_RUN_H_
