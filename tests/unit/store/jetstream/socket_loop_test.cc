#include "gateway/store/jetstream/socket_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"

namespace onhook {
namespace {

constexpr absl::Duration kNever = absl::Hours(1);
constexpr absl::Duration kAtMost = absl::Minutes(1);

class SocketLoopTest : public ::testing::Test {
 protected:
  SocketLoopTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0);
  }
  ~SocketLoopTest() override {
    for (const int end : ends_) close(end);
  }
  void Send(const std::string& text) {
    EXPECT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Receive() {
    std::array<char, 100> buffer;
    const ssize_t count = read(ends_[0], buffer.data(), buffer.size());
    return count < 0 ? "" : std::string(buffer.data(), static_cast<size_t>(count));
  }

  std::array<int, 2> ends_ = {-1, -1};
};

TEST_F(SocketLoopTest, WhatComesIsReadOnceItIsWanted) {
  SteadyNotification read;
  std::string received;
  SocketLoop loop({[&] {
                     received += Receive();
                     if (received == "before and after") read.Notify();
                   },
                   [] {}, [] { ADD_FAILURE() << "quiet"; }},
                  kNever);
  ASSERT_TRUE(loop.ok());
  Send("before ");
  loop.Watch(ends_[0]);
  Send("and after");
  EXPECT_TRUE(read.WaitFor(kAtMost));
}

TEST_F(SocketLoopTest, WritesAreToldOfWhileTheyAreWanted) {
  SteadyNotification written;
  std::atomic<int> calls = 0;
  SocketLoop* self = nullptr;
  SocketLoop loop({[] { ADD_FAILURE() << "nothing is to be read"; },
                   [&] {
                     if (++calls < 3) return;
                     self->WantWrites(false);
                     written.Notify();
                   },
                   [] { ADD_FAILURE() << "quiet"; }},
                  kNever);
  self = &loop;
  loop.Watch(ends_[0]);
  loop.WantWrites(true);
  EXPECT_TRUE(written.WaitFor(kAtMost));
  EXPECT_EQ(calls, 3);
}

TEST_F(SocketLoopTest, AnEndIsFoundByReading) {
  SteadyNotification ended;
  SocketLoop* self = nullptr;
  SocketLoop loop({[&] {
                     self->Watch(-1);
                     ended.Notify();
                   },
                   [] {}, [] { ADD_FAILURE() << "quiet"; }},
                  kNever);
  self = &loop;
  loop.Watch(ends_[0]);
  shutdown(ends_[1], SHUT_RDWR);
  EXPECT_TRUE(ended.WaitFor(kAtMost));
}

TEST_F(SocketLoopTest, QuietIsToldOfAndAgainAfterSomethingWasRead) {
  SteadyNotification quiet;
  SteadyNotification again;
  std::atomic<int> calls = 0;
  SocketLoop loop({[&] { Receive(); }, [] {},
                   [&] {
                     const int call = ++calls;
                     if (call == 1) quiet.Notify();
                     if (call == 2) again.Notify();
                   }},
                  absl::Milliseconds(20));
  loop.Watch(ends_[0]);
  ASSERT_TRUE(quiet.WaitFor(kAtMost));
  Send("x");
  EXPECT_TRUE(again.WaitFor(kAtMost));
}

TEST_F(SocketLoopTest, OfOneSilenceIsToldOnceAndNotWithoutASocket) {
  SteadyNotification quiet;
  SteadyNotification others;
  std::atomic<int> calls = 0;
  SocketLoop loop({[] {}, [] {},
                   [&] {
                     ++calls;
                     quiet.Notify();
                   }},
                  absl::Milliseconds(5));
  SocketLoop without({[] {}, [] {}, [] { ADD_FAILURE() << "there is no socket"; }},
                     absl::Milliseconds(5));
  loop.Watch(ends_[0]);
  ASSERT_TRUE(quiet.WaitFor(kAtMost));
  // Ten times as long a silence, by another's clock.
  SocketLoop other({[] {}, [] {}, [&] { others.Notify(); }}, absl::Milliseconds(50));
  other.Watch(ends_[1]);
  ASSERT_TRUE(others.WaitFor(kAtMost));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace onhook
