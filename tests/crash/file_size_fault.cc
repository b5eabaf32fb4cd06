#include "tests/crash/file_size_fault.h"

#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"

namespace onhook {
namespace {

constexpr rlim_t kOnePage = 4096;
constexpr absl::Duration kLongest = absl::Milliseconds(150);

void LimitFiles(pid_t process, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  EXPECT_EQ(prlimit(process, RLIMIT_FSIZE, &limit, nullptr), 0);
}

}  // namespace

void FileSizeFault::Prepare(OnhookdProcess::Options& options) {
  // Who is not to be killed by it asks for an error instead; that outlives the start of a program.
  options.prepare = [before = std::move(options.prepare)] {
    return std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && (before == nullptr || before());
  };
}

void FileSizeFault::Strike(CrashRun& run) {
  LimitFiles(run.gateway().pid(), kOnePage);
  const std::optional<ProcessEnd> end = run.gateway().Wait(run.RandomBelow(kLongest));
  EXPECT_FALSE(end.has_value()) << *end << "\n" << run.gateway().log();
  if (run.random()() % 2 == 0) {
    run.Kill();
  } else {
    LimitFiles(run.gateway().pid(), RLIM_INFINITY);
  }
}

}  // namespace onhook
