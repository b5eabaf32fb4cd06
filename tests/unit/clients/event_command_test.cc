#include "clients/cli/event_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "clients/cli/event_format.h"

namespace onhook::cli {
namespace {

using client::Settlement;
using ::testing::HasSubstr;

v1::Delivery Delivery() {
  v1::Delivery delivery;
  delivery.set_delivery_id("d1");
  delivery.set_attempt(2);
  delivery.mutable_event()->set_event_id("v1-0-7");
  delivery.mutable_event()->set_called("88880067");
  return delivery;
}

// What `command` prints, run by real /bin/sh for one delivery.
std::string OutputOf(const std::string& command, const v1::Delivery& delivery) {
  EventCommand event_command(command, "crm");
  testing::internal::CaptureStdout();
  EXPECT_EQ(event_command.Run(delivery).action, Settlement::Action::kAck);
  return testing::internal::GetCapturedStdout();
}

TEST(EventCommandTest, HowTheCommandEndsDecidesWhatBecomesOfTheEvent) {
  const struct {
    const char* command;
    Settlement::Action action;
    const char* reason;
  } kCases[] = {
      {"true", Settlement::Action::kAck, ""},
      {"exit 3", Settlement::Action::kRetry, "exit status 3"},
      {"exit 65", Settlement::Action::kPark, "exit status 65"},
      {"kill -9 $$", Settlement::Action::kRetry, "killed by signal 9 (Killed)"},
      {"(kill -9 $$); exit 137", Settlement::Action::kRetry, "killed by signal 9 (Killed)"},
      {"exit 137", Settlement::Action::kRetry, "exit status 137 (signal 9)"},
      {"/nonexistent/command 2>/dev/null", Settlement::Action::kRetry,
       "exit status 127: the command was not found"},
      {"/dev/null 2>/dev/null", Settlement::Action::kRetry,
       "exit status 126: the command cannot be executed"},
  };
  for (const auto& c : kCases) {
    const Settlement settlement = EventCommand(c.command, "crm").Run(Delivery());
    EXPECT_EQ(settlement.action, c.action) << c.command;
    EXPECT_EQ(settlement.reason, c.reason) << c.command;
  }
}

TEST(EventCommandTest, TheTraceOfTheEventIsTheCommands) {
  v1::Delivery delivery = Delivery();
  delivery.mutable_event()->set_traceparent("00-4bf9-00f0-01");
  EXPECT_EQ(OutputOf("printf %s \"$TRACEPARENT\"", delivery), "00-4bf9-00f0-01");
  EXPECT_EQ(OutputOf("printf %s \"${TRACEPARENT-none}\"", Delivery()), "none");
}

TEST(EventCommandTest, TheDeliveryIsOnStandardInputWithEveryNumber) {
  EXPECT_EQ(OutputOf("cat", Delivery()), Format(Delivery(), {true, true}));
  EXPECT_THAT(OutputOf("cat", Delivery()), HasSubstr("88880067"));
}

TEST(EventCommandTest, TheEnvironmentTellsWhatItIsAbout) {
  EXPECT_EQ(OutputOf("echo $ONHOOK_SUBSCRIPTION $ONHOOK_EVENT_ID $ONHOOK_DELIVERY_ID "
                     "$ONHOOK_ATTEMPT",
                     Delivery()),
            "crm v1-0-7 d1 2\n");
}

TEST(EventCommandTest, ALargeEventThatNobodyReadsHoldsNothingUp) {
  v1::Delivery delivery = Delivery();
  delivery.mutable_event()->set_call_data(std::string(1 << 20, 'x'));
  EXPECT_EQ(EventCommand("exit 0", "crm").Run(delivery).action, Settlement::Action::kAck);
  EXPECT_EQ(OutputOf("head -c 13", delivery), "{\"deliveryId\"");
  EXPECT_EQ(OutputOf("wc -c", delivery),
            std::to_string(Format(delivery, {true, true}).size()) + "\n");
}

TEST(EventCommandTest, TheCommandIsAProcessGroupOfItsOwn) {
  EXPECT_EQ(EventCommand("read -r a b c d group rest < /proc/$$/stat; test $group = $$", "crm")
                .Run(Delivery())
                .action,
            Settlement::Action::kAck);
}

TEST(EventCommandTest, SignalsThatThisProgramKeepsToItselfReachTheCommand) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &interrupt, &before);
  EXPECT_EQ(EventCommand("kill -INT $$; exit 0", "crm").Run(Delivery()).reason,
            "killed by signal 2 (Interrupt)");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(EventCommandTest, TerminateEndsWhatRuns) {
  EventCommand command("while true; do :; done", "crm");
  Settlement settlement = Settlement::Leave();
  std::thread running([&] { settlement = command.Run(Delivery()); });
  while (command.running() == 0) std::this_thread::yield();
  command.Terminate();
  running.join();
  EXPECT_EQ(settlement.reason, "killed by signal 15 (Terminated)");
  EXPECT_EQ(command.running(), 0);
}

TEST(EventCommandTest, AnEndThatNobodyKnowsIsNoSuccess) {
  // So the kernel reaps children by itself, and waitpid fails.
  const auto before = signal(SIGCHLD, SIG_IGN);
  const Settlement settlement = EventCommand("true", "crm").Run(Delivery());
  signal(SIGCHLD, before);
  EXPECT_EQ(settlement.action, Settlement::Action::kRetry);
}

}  // namespace
}  // namespace onhook::cli
