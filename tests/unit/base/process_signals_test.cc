#include "gateway/base/process_signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace onhook {
namespace {

// Each in a process of its own, since what they change is the process's. The alarm ends one that
// hangs.
class ProcessSignalsDeathTest : public ::testing::Test {
 protected:
  ProcessSignalsDeathTest() { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(ProcessSignalsDeathTest, ASignalIsWaitedForAndHarmsNothing) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    EXPECT_EXIT(
        {
          alarm(30);
          ProcessSignals signals;
          kill(getpid(), number);  // before anybody waits
          std::_Exit(signals.Wait());
        },
        ::testing::ExitedWithCode(number), "");
  }
}

TEST_F(ProcessSignalsDeathTest, ASignalThatIsSeenToBePendingIsStillWaitedFor) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          alarm(30);
          ProcessSignals signals;
          kill(getpid(), SIGHUP);
          if (signals.EndIsPending()) std::_Exit(1);
          signals.Wait();
          kill(getpid(), number);
          bool seen_elsewhere = false;
          std::thread([&] { seen_elsewhere = signals.EndIsPending(); }).join();
          std::_Exit(seen_elsewhere ? signals.Wait() : 1);
        },
        ::testing::ExitedWithCode(number), "");
  }
}

TEST_F(ProcessSignalsDeathTest, TheProcessMayAskItselfToReadItsSettings) {
  EXPECT_EXIT(
      {
        alarm(30);
        ProcessSignals signals;
        signals.AskForReload();
        std::_Exit(signals.Wait());
      },
      ::testing::ExitedWithCode(SIGHUP), "");
}

// Else whoever sends SIGHUP all the time keeps the process from ending.
TEST_F(ProcessSignalsDeathTest, AnEndComesBeforeAReload) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          alarm(30);
          ProcessSignals signals;
          signals.AskForReload();
          kill(getpid(), number);
          std::_Exit(signals.Wait());
        },
        ::testing::ExitedWithCode(number), "");
  }
}

TEST_F(ProcessSignalsDeathTest, ASecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        alarm(30);
        ProcessSignals signals;
        kill(getpid(), SIGTERM);
        signals.Wait();
        signals.ExitOnNextOrAfter(absl::Minutes(5));
        kill(getpid(), SIGINT);
        while (true) pause();
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

TEST_F(ProcessSignalsDeathTest, WhoIsEndingReadsNoSettings) {
  EXPECT_EXIT(
      {
        alarm(30);
        ProcessSignals signals;
        signals.ExitOnNextOrAfter(absl::Minutes(5));
        kill(getpid(), SIGHUP);
        kill(getpid(), SIGTERM);
        while (true) pause();
      },
      ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(ProcessSignalsDeathTest, TheDeadlineEndsTheProcess) {
  EXPECT_EXIT(
      {
        alarm(30);
        ProcessSignals signals;
        signals.ExitOnNextOrAfter(absl::Milliseconds(1));
        while (true) pause();
      },
      ::testing::ExitedWithCode(1), "");
}

TEST_F(ProcessSignalsDeathTest, APeerThatWentAwayDoesNotEndTheProcess) {
  EXPECT_EXIT(
      {
        ProcessSignals signals;
        raise(SIGPIPE);
        std::_Exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace onhook
