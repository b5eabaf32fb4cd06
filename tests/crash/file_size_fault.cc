#include "tests/crash/file_size_fault.h"

#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <memory>
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

class FileSizeFault final : public Fault {
 public:
  absl::string_view name() const override { return "file_size"; }

  void Prepare(OnhookdProcess::Options& options) override {
    // Who is not to be killed by it asks for an error instead; that outlives the start of a
    // program.
    options.prepare = [before = std::move(options.prepare)] {
      return std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && (before == nullptr || before());
    };
  }

  void Strike(CrashRun& run) override {
    LimitFiles(run.gateway().pid(), kOnePage);
    const std::optional<ProcessEnd> end = run.RunsFor(run.RandomBelow(kLongest));
    ASSERT_FALSE(end.has_value()) << *end << "\n" << run.gateway().log();
    if (run.random()() % 2 == 0) {
      run.Kill();
    } else {
      LimitFiles(run.gateway().pid(), RLIM_INFINITY);
    }
  }
};

}  // namespace

std::unique_ptr<Fault> MakeFileSizeFault() { return std::make_unique<FileSizeFault>(); }

}  // namespace onhook
