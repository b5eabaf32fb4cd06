#ifndef ONHOOK_TESTS_CRASH_VENDOR_PROCESS_H_
#define ONHOOK_TESTS_CRASH_VENDOR_PROCESS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/vendor_books.h"
#include "tests/support/child_process.h"
#include "tests/support/whole_lines.h"

namespace onhook {

class CallLedger;

// Enters into a ledger what a crash_vendor says. Threads: Take() one at a time, the rest any.
// Blocking: WaitUntilFinished().
class VendorReport {
 public:
  // `ledger` must outlive the report.
  explicit VendorReport(CallLedger* ledger) : ledger_(ledger) {}

  // The next piece of output. A line that does not end was not said.
  void Take(absl::string_view output);

  // False: not before `timeout`.
  bool WaitUntilFinished(absl::Duration timeout) const;
  // Once it has finished.
  CallbackLoad::Altered altered() const;
  // What it wrote beside its lines; for a test that failed.
  std::string words() const;

 private:
  void TakeLine(absl::string_view line);

  CallLedger* const ledger_;
  WholeLines lines_;
  mutable absl::Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  CallbackLoad::Altered altered_ ABSL_GUARDED_BY(mutex_);
  std::string words_ ABSL_GUARDED_BY(mutex_);
};

// A crash_vendor, with all it says entered into a ledger. Threads, blocking: as ChildProcess.
class VendorProcess {
 public:
  // With a `key` it signs.
  VendorProcess(const std::string& run, int connections, const std::string& key,
                CallLedger* ledger);

  void TellGateway(int generation, int port);
  void SignWith(absl::string_view key);
  // It begins no further callback, and repeats those begun until each was accepted.
  void Finish();
  void Stop();
  void Continue();

  const VendorReport& report() const { return report_; }

 private:
  VendorReport report_;
  ChildProcess process_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_VENDOR_PROCESS_H_
