#include "tests/crash/held_syncs.h"

#include <unistd.h>

#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr const char* kTracer = "/usr/bin/strace";
constexpr absl::Duration kPatience = absl::Seconds(60);

}  // namespace

std::string HeldSyncs::Missing() { return access(kTracer, X_OK) == 0 ? "" : "no strace"; }

// An hour: until somebody kills the program.
HeldSyncs::HeldSyncs(pid_t program)
    : program_(program),
      tracer_({kTracer, "-f", "-p", absl::StrCat(program), "-e", "trace=fdatasync,fsync", "-e",
               "inject=fdatasync,fsync:delay_enter=3600s"}) {
  const bool attached = tracer_.WaitForOutput(
      [](absl::string_view output) { return absl::StrContains(output, "attached"); }, kPatience);
  EXPECT_TRUE(attached) << tracer_.output();
}

bool HeldSyncs::WaitForOne(absl::Duration timeout) const {
  return tracer_.WaitForOutput(
      [](absl::string_view output) { return absl::StrContains(output, "sync("); }, timeout);
}

void HeldSyncs::KillProgram() {
  kill(program_, SIGKILL);
  // It would keep the program from ending before its delay is over.
  tracer_.Signal(SIGKILL);
}

}  // namespace onhook
