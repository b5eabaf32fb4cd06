#ifndef ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_
#define ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_

#include "absl/strings/string_view.h"
#include "tests/crash/fault.h"
#include "tests/support/onhookd_process.h"

namespace onhook {

// For a while no file of the gateway may be written beyond its first page (RLIMIT_FSIZE): what
// begins below comes out short, all else fails, and so does nearly every commit. One time in two
// the gateway is killed while it is so, so that what was only in its memory is gone.
class FileSizeFault final : public Fault {
 public:
  absl::string_view name() const override { return "file_size"; }
  void Prepare(OnhookdProcess::Options& options) override;
  void Strike(CrashRun& run) override;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_
