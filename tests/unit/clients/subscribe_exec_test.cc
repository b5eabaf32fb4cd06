#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "tests/unit/clients/program_fixture.h"

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Before main, so before any thread there is: a signal to this program then reaches nobody but the
// Interruption that waits for it.
const bool kSignalsBlocked = [] {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0;
}();

// A named pipe: one command waits at it, once, until the test lets it go on.
class Gate {
 public:
  Gate() {
    std::string folder = absl::StrCat(testing::TempDir(), "/gate-XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = absl::StrCat(folder, "/gate");
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
  }
  ~Gate() {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  const std::string& path() const { return path_; }
  // In words of the shell.
  std::string wait() const { return absl::StrCat("read -r word < ", path_); }
  // Waits for the command to be there.
  void Open() const {
    const int file = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(write(file, "go\n", 3), 3);
    close(file);
  }

 private:
  std::string folder_;
  std::string path_;
};

// `onhook subscribe crm --exec` with real commands.
class SubscribeExecTest : public ProgramFixture {
 protected:
  client::FakeSubscribeStream& StartWith(const std::string& command,
                                         std::vector<std::string> flags = {}) {
    std::vector<std::string> arguments = {"subscribe", "crm", "--exec", command};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    Start(arguments);
    client::FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
    open_ = stream->Take().open();
    stream->SendOpened();
    return *stream;
  }
  // Answers requests until the client half-closes; what each delivery was settled as.
  std::map<std::string, std::string> SettlementsOf(client::FakeSubscribeStream& stream,
                                                   size_t count) {
    std::map<std::string, std::string> settlements;
    while (settlements.size() < count) {
      const v1::SubscribeRequest request = stream.Take();
      if (request.request_case() == v1::SubscribeRequest::REQUEST_NOT_SET) return settlements;
      for (const std::string& id : request.ack().delivery_ids()) settlements[id] = "ack";
      for (const std::string& id : request.nack().delivery_ids()) {
        settlements[id] = absl::StrCat(v1::NackRequest::Action_Name(request.nack().action()), " ",
                                       request.nack().reason());
      }
      if (request.has_ack()) stream.Confirm(request.ack().request_id());
      if (request.has_nack()) stream.Confirm(request.nack().request_id());
    }
    return settlements;
  }
  int EndOf(client::FakeSubscribeStream& stream) {
    EXPECT_TRUE(stream.AwaitHalfClose());
    stream.End();
    return End();
  }

  v1::SubscribeOpen open_;
};

TEST_F(SubscribeExecTest, TheExitCodeSettlesTheEvent) {
  client::FakeSubscribeStream& stream = StartWith(
      "case $ONHOOK_EVENT_ID in e1) exit 0;; e2) exit 3;; e3) exit 65;; e4) kill -9 $$;; esac",
      {"--count=4"});
  stream.Deliver({1, 2, 3, 4});
  const auto settlements = SettlementsOf(stream, 4);
  EXPECT_EQ(settlements.at("d1"), "ack");
  EXPECT_EQ(settlements.at("d2"), "ACTION_RETRY exit status 3");
  EXPECT_EQ(settlements.at("d3"), "ACTION_PARK exit status 65");
  EXPECT_EQ(settlements.at("d4"), "ACTION_RETRY killed by signal 9 (Killed)");
  EXPECT_EQ(EndOf(stream), kExitOk);
  EXPECT_THAT(said_, HasSubstr("attempt 1: exit status 3; given back, comes again unless this "
                               "was its last attempt\n"));
  EXPECT_THAT(said_,
              HasSubstr("4 event(s), 1 acknowledgement(s) confirmed, 2 given back, 1 parked\n"));
  EXPECT_EQ(output_, "");
}

TEST_F(SubscribeExecTest, NoMoreIsAskedForThanRunsAtOnceUnlessSaidSo) {
  client::FakeSubscribeStream& stream = StartWith(
      "true", {"--parallel=3", "--ack-deadline=2m", "--consumer-name=pod-1", "--count=1"});
  EXPECT_EQ(open_.max_outstanding_events(), 3);
  EXPECT_EQ(open_.ack_deadline().seconds(), 120);
  EXPECT_EQ(open_.consumer_name(), "pod-1");
  stream.Deliver({1});
  SettlementsOf(stream, 1);
  EXPECT_EQ(EndOf(stream), kExitOk);
}

TEST_F(SubscribeExecTest, SeveralCommandsRunAtOnce) {
  const Gate gate;
  // The first cannot go on before the second lets it.
  client::FakeSubscribeStream& stream =
      StartWith(absl::StrCat("if [ $ONHOOK_EVENT_ID = e1 ]; then ", gate.wait(),
                             "; else echo go > ", gate.path(), "; fi"),
                {"--parallel=2", "--count=2"});
  stream.Deliver({1, 2});
  EXPECT_EQ(SettlementsOf(stream, 2).size(), 2);
  EXPECT_EQ(EndOf(stream), kExitOk);
}

TEST_F(SubscribeExecTest, AnEventWhoseCommandTakesLongIsKept) {
  const Gate gate;
  client::FakeSubscribeStream& stream = StartWith(gate.wait(), {"--count=1"});
  stream.Deliver({1}, absl::Milliseconds(10));
  EXPECT_THAT(stream.Take().extend().delivery_ids(), ElementsAre("d1"));
  gate.Open();
  EXPECT_EQ(SettlementsOf(stream, 1).at("d1"), "ack");
  EXPECT_EQ(EndOf(stream), kExitOk);
}

TEST_F(SubscribeExecTest, AnInterruptionLetsTheCommandFinishAndGivesBackWhatWaits) {
  ASSERT_TRUE(kSignalsBlocked);
  const Gate begun;
  const Gate gate;
  client::FakeSubscribeStream& stream =
      StartWith(absl::StrCat(begun.wait(), "; ", gate.wait()), {"--max-outstanding=2"});
  stream.Deliver({1, 2});
  begun.Open();
  kill(getpid(), SIGINT);
  EXPECT_TRUE(stream.Take().flow().paused());
  EXPECT_EQ(SettlementsOf(stream, 1).at("d2"), "ACTION_RELEASE the consumer stops");
  gate.Open();
  EXPECT_EQ(SettlementsOf(stream, 1).at("d1"), "ack");
  EXPECT_EQ(EndOf(stream), kExitOk);
  EXPECT_THAT(said_, HasSubstr("waiting for 1 command(s) to finish"));
  EXPECT_THAT(said_, HasSubstr("1 event(s), 1 acknowledgement(s) confirmed"));
}

TEST_F(SubscribeExecTest, ADeletedSubscriptionIsANegativeAnswer) {
  client::FakeSubscribeStream& stream = StartWith("true");
  stream.SendGoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End(grpc::Status(grpc::StatusCode::NOT_FOUND, "deleted"));
  EXPECT_EQ(End(), kExitNegative);
  EXPECT_THAT(said_, HasSubstr("subscription crm was deleted"));
}

TEST_F(SubscribeExecTest, WhileCommandsAreWaitedForTheirNumberIsToldAsItFalls) {
  ASSERT_TRUE(kSignalsBlocked);
  const Gate begun;
  const Gate gates[3];
  client::FakeSubscribeStream& stream = StartWith(
      absl::StrCat("case $ONHOOK_EVENT_ID in e1) ", gates[0].wait(), ";; e2) ", gates[1].wait(),
                   ";; *) ", begun.wait(), "; ", gates[2].wait(), ";; esac"),
      {"--parallel=3"});
  stream.Deliver({1, 2});
  stream.Deliver({3});
  begun.Open();
  // A command that waits at its gate runs; to find out, the gate is opened for writing only.
  const int first = open(gates[0].path().c_str(), O_WRONLY | O_CLOEXEC);
  const int second = open(gates[1].path().c_str(), O_WRONLY | O_CLOEXEC);
  kill(getpid(), SIGINT);
  EXPECT_TRUE(stream.Take().flow().paused());
  EXPECT_EQ(write(first, "go\n", 3), 3);
  EXPECT_EQ(SettlementsOf(stream, 1).at("d1"), "ack");
  EXPECT_EQ(write(second, "go\n", 3), 3);
  EXPECT_EQ(SettlementsOf(stream, 1).at("d2"), "ack");
  gates[2].Open();
  EXPECT_EQ(SettlementsOf(stream, 1).at("d3"), "ack");
  EXPECT_EQ(EndOf(stream), kExitOk);
  close(first);
  close(second);
  EXPECT_THAT(said_, HasSubstr("ending: waiting for 3 command(s) to finish; Ctrl-C again"));
  EXPECT_THAT(said_,
              HasSubstr("onhook: waiting for 2 command(s)\nonhook: waiting for 1 command(s)\n"));
}

TEST_F(SubscribeExecTest, ADeletionIsToldWhileItsCommandsRunAndTheirLostWorkIsCounted) {
  const Gate begun;
  const Gate gate;
  client::FakeSubscribeStream& stream = StartWith(absl::StrCat(begun.wait(), "; ", gate.wait()));
  stream.Deliver({1});
  begun.Open();
  stream.SendGoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  EXPECT_TRUE(stream.Take().flow().paused());  // said by then
  stream.End(grpc::Status(grpc::StatusCode::NOT_FOUND, "deleted"));
  gate.Open();
  EXPECT_EQ(End(), kExitNegative);
  EXPECT_THAT(said_, HasSubstr("crm was deleted: waiting for 1 command(s) to finish"));
  EXPECT_THAT(said_, HasSubstr("subscription crm was deleted: nothing more comes"));
  EXPECT_THAT(said_, HasSubstr("1 acknowledgement(s) of finished work were lost with it\n"));
  EXPECT_THAT(said_, HasSubstr("1 event(s), 0 acknowledgement(s) confirmed, 0 given back"));
}

class InterruptedProgramTest : public ProgramFixture {};

TEST_F(InterruptedProgramTest, WatchEndsWellOnAnInterruption) {
  Start({"subscriptions", "watch"});
  gateway_.administration.list_subscriptions.requests.Take();
  kill(getpid(), SIGINT);
  EXPECT_EQ(End(), kExitOk);
}

}  // namespace
}  // namespace onhook::cli
