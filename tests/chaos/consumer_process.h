#ifndef ONHOOK_TESTS_CHAOS_CONSUMER_PROCESS_H_
#define ONHOOK_TESTS_CHAOS_CONSUMER_PROCESS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/crash/call_ledger.h"
#include "tests/support/child_process.h"
#include "tests/support/whole_lines.h"

namespace onhook {

// Enters into a ledger what a chaos_consumer says. Threads: one at a time, but words().
class ConsumerReport {
 public:
  // `ledger` must outlive the report.
  ConsumerReport(std::string subscription, CallLedger* ledger)
      : subscription_(std::move(subscription)), ledger_(ledger) {}

  // The next piece of output. A line that does not end was not said.
  void Take(absl::string_view output);

  // Streams that did not end with OK, or have not ended: what was on its way over such a one was
  // perhaps seen by nobody.
  int64_t broken_streams() const;
  // What it wrote beside its lines, and how its last stream ended; for a test that failed.
  std::string words() const;

 private:
  void TakeLine(absl::string_view line);
  void TakeDelivery(absl::string_view base64);
  void TakeAsking(absl::string_view kind, const std::vector<absl::string_view>& calls);
  void TakeDone(const std::vector<absl::string_view>& words);
  void TakeRefused(const std::vector<absl::string_view>& words);

  const std::string subscription_;
  CallLedger* const ledger_;
  WholeLines lines_;
  int gateway_ = 0;
  // What comes over the stream next was sent after this: after the stream was opened, after every
  // event before it was posted, and after everything was asked that was answered before it.
  absl::Duration sent_after_;
  std::set<int64_t> settled_;  // whose confirmation came over the stream
  mutable absl::Mutex mutex_;
  int64_t broken_streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string words_ ABSL_GUARDED_BY(mutex_);
};

// A chaos_consumer, with all it says entered into a ledger. Threads, blocking: as ChildProcess.
class ConsumerProcess {
 public:
  // `arguments` as chaos_consumer has them; the first is the subscription.
  ConsumerProcess(std::vector<std::string> arguments, CallLedger* ledger);

  void Tell(absl::string_view order);
  void TellGateway(int generation, int port);
  void Kill();
  void Stop();
  void Continue();
  // Nothing if it still runs after `timeout`. Once it has ended all it said is in the ledger.
  std::optional<ProcessEnd> Wait(absl::Duration timeout) { return process_.Wait(timeout); }

  const ConsumerReport& report() const { return report_; }

 private:
  ConsumerReport report_;
  ChildProcess process_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CHAOS_CONSUMER_PROCESS_H_
