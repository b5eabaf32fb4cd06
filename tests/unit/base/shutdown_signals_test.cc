#include "gateway/base/shutdown_signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace onhook {
namespace {

// Each in a process of its own, since what they change is the process's. The alarm ends one that
// hangs.
class ShutdownSignalsDeathTest : public ::testing::Test {
 protected:
  ShutdownSignalsDeathTest() { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(ShutdownSignalsDeathTest, ASignalIsWaitedForAndHarmsNothing) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          alarm(30);
          ShutdownSignals signals;
          kill(getpid(), number);  // before anybody waits
          std::_Exit(signals.Wait());
        },
        ::testing::ExitedWithCode(number), "");
  }
}

TEST_F(ShutdownSignalsDeathTest, ASecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        alarm(30);
        ShutdownSignals signals;
        kill(getpid(), SIGTERM);
        signals.Wait();
        signals.ExitOnNextOrAfter(absl::Minutes(5));
        kill(getpid(), SIGINT);
        while (true) pause();
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

TEST_F(ShutdownSignalsDeathTest, TheDeadlineEndsTheProcess) {
  EXPECT_EXIT(
      {
        alarm(30);
        ShutdownSignals signals;
        signals.ExitOnNextOrAfter(absl::Milliseconds(1));
        while (true) pause();
      },
      ::testing::ExitedWithCode(1), "");
}

TEST_F(ShutdownSignalsDeathTest, APeerThatWentAwayDoesNotEndTheProcess) {
  EXPECT_EXIT(
      {
        ShutdownSignals signals;
        raise(SIGPIPE);
        std::_Exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace onhook
