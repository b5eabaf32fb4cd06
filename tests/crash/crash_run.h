#ifndef ONHOOK_TESTS_CRASH_CRASH_RUN_H_
#define ONHOOK_TESTS_CRASH_CRASH_RUN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "tests/chaos/consumer_process.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/crash_figures.h"
#include "tests/crash/fault.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/vendor_process.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// One data directory, the gateways that run on it one after the other, and around them the vendor
// and two backends that outlive them all: "acking", which settles nearly everything at once and has
// short deadlines, and "holding", which settles nothing before the end. Each is a process.
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

  // Starts a gateway; false, and a failed expectation, if it does not come up.
  bool Start();
  // The name of the fault of each strike so far.
  const std::vector<std::string>& strikes() const { return strikes_; }
  // Lets the gateway work for a while, strikes once with a fault that chance takes, and starts
  // another gateway if this one is gone; so many times. False: one did not come up.
  bool Rounds(int64_t rounds, absl::Duration most);
  // Lets some callbacks be accepted, then goes on for a random while below `most`.
  void WorkFor(absl::Duration most);
  void Kill();
  // Starts a gateway and kills it at a random instant before it is ready, or a little later.
  void KillDuringStart();
  // One time in four, starts a gateway and kills it before or while it recovers; then perhaps
  // another one.
  void KillSomeStarts();
  // Ends the gateway as an operator does, and expects exit code 0.
  void Terminate();

  // Takes from the dead gateway's store what is only in its write-ahead log.
  void LoseWriteAheadLog();
  // Lets the store go on without what is missing, which no gateway would by itself.
  void AcceptLoss();

  // The end of the load: the vendor repeats what was not accepted. Then the gateway is held against
  // the books and killed, and both backends settle what they have.
  void FinishLoad();
  // Both backends settle all that was promised; then, over one more kill, exactly one further
  // callback reaches them, and the gateway is held against the books.
  void SettleEverything();
  // Waits until nothing that was promised is owed any more, or this long without a step towards
  // that. Says which.
  bool SettleFor(absl::Duration patience);
  // Posts one callback that lies behind all others in the log, so that what is owed still comes
  // before it, and waits until both backends have settled it.
  void SettleOneMore();

  // Asks the gateway for its whole log and what it owes, and has what does not fit the books found.
  // While no callback is under way.
  void Audit();

  // --- for faults

  OnhookdProcess& gateway() { return *gateway_; }
  // Whether there is a gateway, as far as anybody has noticed.
  bool running() const { return running_; }
  // The vendor signs from the first start on, and the gateway has these keys from now on, or from
  // its next start. Who changes the vendor's key tells it.
  void PlaceKeys(const std::string& current, const std::string& previous);
  // For a fault's Begin, one that moves the clock: retention may remove what is settled.
  void AllowRemoval() { may_be_removed_ = true; }
  // How long anything may take before it is taken not to come. As it is: far beyond what any of
  // this takes, sanitizers and a busy machine included.
  void SetPatience(absl::Duration patience) { patience_ = patience; }
  absl::Duration patience() const { return patience_; }
  // Lets the time pass. How the gateway ended, if it did so by itself meanwhile.
  std::optional<ProcessEnd> RunsFor(absl::Duration duration);
  // The gateway has ended by itself; expects that it did so with this exit code.
  void ExpectEnd(int exit_code);
  VendorProcess& vendor() { return *vendor_; }
  ConsumerProcess& acking() { return *acking_; }
  ConsumerProcess& holding() { return *holding_; }
  const std::string& store_directory() const { return store_directory_; }
  std::mt19937_64& random() { return random_; }
  absl::Duration RandomBelow(absl::Duration most);

  // --- what came of it

  CallLedger& ledger() { return ledger_; }
  const CallLedger& ledger() const { return ledger_; }
  // For each fault a line with its figures, and one for the whole run.
  std::string Summary() const;
  int kills() const { return kills_; }
  int64_t unanswered() const {
    return ledger_.replies()[static_cast<size_t>(CallbackAnswer::kNone)];
  }
  // Once the load is finished.
  CallbackLoad::Altered altered() const { return vendor_->report().altered(); }

 private:
  void BeginLoad();
  void TellEverybody();
  void ExpectEverythingSettled();
  OnhookdProcess::Options GatewayOptions();

  const SystemClock clock_;
  const int connections_;
  std::string key_;
  std::string previous_key_;
  const std::string enforce_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  std::string store_directory_ = directory_.path() + "/store";
  std::vector<std::unique_ptr<Fault>> faults_;
  std::vector<std::string> strikes_;
  std::map<std::string, CrashFigures> figures_;  // by fault
  absl::Duration start_took_ = absl::Milliseconds(30);
  CallLedger ledger_;
  GatewayAddress address_;  // of what posts from this process
  int generation_ = 0;
  int kills_ = 0;
  bool running_ = false;
  bool may_be_removed_ = false;
  absl::Duration patience_ = absl::Seconds(60);
  int64_t audited_ = 0;  // events, by the last audit
  std::optional<OnhookdProcess> gateway_;
  std::optional<VendorProcess> vendor_;
  std::optional<ConsumerProcess> acking_;
  std::optional<ConsumerProcess> holding_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CRASH_RUN_H_
