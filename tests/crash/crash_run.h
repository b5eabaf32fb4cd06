#ifndef ONHOOK_TESTS_CRASH_CRASH_RUN_H_
#define ONHOOK_TESTS_CRASH_CRASH_RUN_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/callback_load.h"
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

  // Starts a gateway; false, and a failed expectation, if it does not come up.
  bool Start();
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

  const CallLedger& ledger() const { return ledger_; }
  int kills() const { return kills_; }
  int64_t unanswered() const { return load_->unanswered(); }
  CallbackLoad::Altered altered() const { return load_->altered(); }

 private:
  absl::Duration RandomBelow(absl::Duration most);
  OnhookdProcess::Options GatewayOptions() const;

  const int connections_;
  const std::string key_;
  const std::string enforce_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  CallLedger ledger_;
  GatewayAddress address_;
  int kills_ = 0;
  std::optional<OnhookdProcess> gateway_;
  std::optional<CallbackLoad> load_;
  std::optional<RecordingSubscriber> acking_;
  std::optional<RecordingSubscriber> holding_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CRASH_RUN_H_
