#include "tests/crash/descriptors_fault.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

constexpr absl::Duration kLongest = absl::Milliseconds(500);
constexpr int kComers = 4;  // on each port that speaks HTTP

// Every second strike takes from it even the numbers that it may yet give back and want again.
class DescriptorsFault final : public Fault {
 public:
  absl::string_view name() const override { return "descriptors"; }

  void Strike(CrashRun& run) override {
    const pid_t pid = run.gateway().pid();
    rlimit usual{};
    ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &usual), 0);
    const rlimit few{run.random()() % 2 == 0 ? HighestOf(pid) + 1 : 0, usual.rlim_max};
    ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, &few, nullptr), 0);
    const absl::Duration lasts = run.RandomBelow(kLongest);
    // What they ask is answered when there are descriptors again, if not before.
    RawHttpClient comers[kComers];
    for (RawHttpClient& comer : comers) {
      comer.Connect(run.gateway().http_port())
          .Send("POST /nobodys HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n");
    }
    if (const std::optional<ProcessEnd> end = run.RunsFor(lasts); end.has_value()) {
      return ExpectToldEnd(run, *end);
    }
    prlimit(pid, RLIMIT_NOFILE, &usual, nullptr);
    const absl::Duration since = clock_.Elapsed();
    for (RawHttpClient& comer : comers) ExpectAnswer(run, comer);
    RawHttpClient last(run.gateway().http_port());
    last.Send("POST /nobodys HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n");
    ExpectAnswer(run, last);
    longest_ = std::max(longest_, clock_.Elapsed() - since);
  }
  std::string Figures() const override {
    if (longest_ == absl::ZeroDuration()) return "";
    return absl::StrCat("everybody who came meanwhile was served ",
                        absl::ToInt64Milliseconds(longest_),
                        " ms after there were descriptors again, at the latest");
  }

 private:
  static rlim_t HighestOf(pid_t pid) {
    rlim_t highest = 0;
    for (const auto& each :
         std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"))) {
      highest = std::max<rlim_t>(highest, std::stoul(each.path().filename().string()));
    }
    return highest;
  }

  static void ExpectAnswer(CrashRun& run, RawHttpClient& comer) {
    if (comer.ReadAnswer().status == 404 || !run.running()) return;
    if (const std::optional<ProcessEnd> end = run.RunsFor(absl::ZeroDuration()); end.has_value()) {
      return ExpectToldEnd(run, *end);
    }
    ADD_FAILURE() << "nobody answers who came while there was no descriptor:\n"
                  << run.gateway().log();
  }

  static void ExpectToldEnd(CrashRun& run, const ProcessEnd& end) {
    EXPECT_GT(end.exit_code, 0) << end << "\n" << run.gateway().log();
  }

  const SystemClock clock_;
  absl::Duration longest_ = absl::ZeroDuration();
};

}  // namespace

std::unique_ptr<Fault> MakeDescriptorsFault() { return std::make_unique<DescriptorsFault>(); }

}  // namespace onhook
