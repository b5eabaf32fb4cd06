#include "gateway/net/accept_loop.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

// A loop on a free port, on a thread of its own, that closes what it accepts.
class AcceptLoopTest : public testing::Test {
 protected:
  AcceptLoopTest() {
    listener_ = OpenListeningSocket({"127.0.0.1", 0}, 16).value();
    thread_ = std::thread([this] { ended_ = loop_.Run(listener_); });
  }
  ~AcceptLoopTest() override {
    End();
    close(listener_);
  }

  const absl::Status& End() {
    loop_.Stop();
    return Wait();
  }
  const absl::Status& Wait() {
    if (thread_.joinable()) thread_.join();
    return ended_;
  }

  int listener_ = -1;
  std::atomic<int> accepted_{0};
  std::atomic<int> shortages_{0};
  std::atomic<bool> first_waits_{false};  // within the callback, so that the loop takes no other
  AcceptLoop loop_{absl::Seconds(1),
                   {[this](int socket, const Endpoint& peer) {
                      EXPECT_EQ(peer.address, "127.0.0.1");
                      EXPECT_GT(peer.port, 0);
                      if (++accepted_ == 1) {
                        while (first_waits_) std::this_thread::yield();
                      }
                      close(socket);
                    },
                    [this] { ++shortages_; }}};
  absl::Status ended_;
  std::thread thread_;
};

TEST_F(AcceptLoopTest, EveryConnectionIsHandedOver) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(RawHttpClient(BoundPort(listener_)).IsClosed());
  EXPECT_EQ(accepted_, 10);
  EXPECT_TRUE(End().ok());
}

// Their peers were connected by the kernel, and may have sent already.
TEST_F(AcceptLoopTest, ConnectionsThatNobodyHasTakenYetAreHandedOverWhenItStops) {
  first_waits_ = true;
  RawHttpClient first(BoundPort(listener_));
  while (accepted_ == 0) std::this_thread::yield();
  RawHttpClient second(BoundPort(listener_));
  RawHttpClient third(BoundPort(listener_));
  loop_.Stop();
  EXPECT_EQ(accepted_, 3);
  first_waits_ = false;
  EXPECT_TRUE(Wait().ok());
  EXPECT_TRUE(second.IsClosed());
}

TEST_F(AcceptLoopTest, ASocketThatListensNoMoreEndsTheLoop) {
  RawHttpClient(BoundPort(listener_)).IsClosed();
  shutdown(listener_, SHUT_RDWR);
  EXPECT_TRUE(absl::IsUnavailable(Wait())) << ended_;
}

// Not under the sanitizers: their checks and their reports need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(AcceptLoopTest, WithoutDescriptorsItAsksAgainAfterAPauseOnly) {
  RawHttpClient waiting;
  const absl::Time begun = absl::Now();
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit none{0, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  waiting.Connect(BoundPort(listener_));
  while (shortages_ < 5) std::this_thread::yield();
  setrlimit(RLIMIT_NOFILE, &files);
  EXPECT_TRUE(waiting.IsClosed());  // so it was accepted in the end
  const int shortages = shortages_;
  EXPECT_LE(shortages, 1 + (absl::Now() - begun) / absl::Milliseconds(50));
}

TEST_F(AcceptLoopTest, AStopNeedsNoDescriptor) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit none{0, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_TRUE(End().ok());
  setrlimit(RLIMIT_NOFILE, &files);
}
#endif

TEST(AcceptLoopStoppedTest, ALoopThatWasStoppedDoesNotBegin) {
  const int listener = OpenListeningSocket({"127.0.0.1", 0}, 1).value();
  AcceptLoop loop(absl::Seconds(1), {nullptr, nullptr});
  loop.Stop();
  EXPECT_TRUE(loop.Run(listener).ok());
  close(listener);
}

}  // namespace
}  // namespace onhook
