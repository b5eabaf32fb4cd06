// What is answered as stored was synced: held against the real program under strace, which makes
// its syncs fail, and against one that does not sync.
#include <unistd.h>

#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controls/control_program.h"
#include "tests/crash/call_content.h"
#include "tests/crash/callback_load.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kCallbacks = 120;
// Of each thread, as strace counts.
constexpr int kSyncsThatWork = 40;
// One connection's callbacks are committed by whichever of these has taken each.
constexpr int kThreadsThatCommit = 2;

// How many callbacks, posted one after the other, are answered as stored by a gateway whose disk
// syncs only so often and then fails.
int StoredBeforeSyncsFail(const std::string& program) {
  const TemporaryDirectory directory;
  OnhookdProcess::Options options;
  options.program = program;
  options.store_directory = directory.path() + "/store";
  options.runner = {"/usr/bin/strace",
                    "--daemonize",
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    "trace=fdatasync,fsync",
                    "-e",
                    absl::StrCat("inject=fdatasync,fsync:error=EIO:when=", kSyncsThatWork, "+")};
  OnhookdProcess gateway(options);
  EXPECT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  const CallContent calls("syncs");
  RawHttpClient vendor(gateway.http_port());
  int stored = 0;
  for (; stored < kCallbacks; ++stored) {
    const std::string body = CallbackLoad::UnsignedBody(calls, stored);
    const RawAnswer answer = vendor.Send(CallbackLoad::RequestFor(body)).ReadAnswer();
    if (CallbackLoad::Understand(answer) != CallbackAnswer::kNotForwarded) break;
  }
  if (stored < kCallbacks) {
    const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
    EXPECT_TRUE(end.has_value() && end->signal == 0 && end->exit_code != 0) << gateway.log();
  }
  return stored;
}

class SyncControlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/strace", X_OK) != 0) GTEST_SKIP() << "no strace";
  }
};

TEST_F(SyncControlTest, NothingIsAnsweredAfterASyncThatFailed) {
  const int stored = StoredBeforeSyncsFail("");
  EXPECT_GT(stored, 0);
  EXPECT_LT(stored, kThreadsThatCommit * kSyncsThatWork);
}

TEST_F(SyncControlTest, AGatewayThatDoesNotSyncIsCaughtWhereSyncsFail) {
  EXPECT_EQ(StoredBeforeSyncsFail(ControlProgram("synchronous_off")), kCallbacks);
}

}  // namespace
}  // namespace onhook
