#include "gateway/net/listener_watch.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

// A listening socket, whose connections a test accepts or leaves alone, and a watch over it.
class ListenerWatchTest : public testing::TestWithParam<const char*> {
 protected:
  ListenerWatchTest() { listener_ = OpenListeningSocket({GetParam(), 0}, 64).value(); }
  ~ListenerWatchTest() override {
    watch_.Stop();
    close(listener_);
  }

  void Start() { ASSERT_TRUE(watch_.Start(listener_).ok()); }

  // Accepts the next connection; whether it is the watch's own.
  bool Accept() {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const int socket = accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
    const bool own = watch_.Accepted(EndpointOf(peer));
    close(socket);
    return own;
  }

  int listener_ = -1;
  std::atomic<int> silences_{0};
  absl::Notification silent_;
  absl::Notification heard_;
  absl::Notification given_up_;
  ListenerWatch watch_{{absl::Milliseconds(20), 3, 6},
                       {[this] {
                          ++silences_;
                          silent_.Notify();
                        },
                        [this] { heard_.Notify(); }, [this] { given_up_.Notify(); }}};
};

TEST_P(ListenerWatchTest, AListenerThatAcceptsIsDialledAgainAndAgain) {
  Start();
  int own = 0;
  // A dial that has to wait for this thread may be given up, and the next one comes.
  for (int i = 0; i < 1000 && own < 10; ++i) own += Accept() ? 1 : 0;
  EXPECT_EQ(own, 10);
}

TEST_P(ListenerWatchTest, APortThatIsOpenWhileNobodyAcceptsIsSilentAndThenGivenUp) {
  Start();
  silent_.WaitForNotification();
  given_up_.WaitForNotification();
  EXPECT_EQ(silences_, 1);
}

TEST_P(ListenerWatchTest, AListenerThatAcceptsAgainIsHeard) {
  Start();
  silent_.WaitForNotification();
  while (!heard_.HasBeenNotified()) Accept();
}

// Not under the sanitizers: their checks and their reports need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_P(ListenerWatchTest, DialsNeedNoNewDescriptor) {
  Start();
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit none{0, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  silent_.WaitForNotification();
  setrlimit(RLIMIT_NOFILE, &files);
  while (!heard_.HasBeenNotified()) Accept();
}
#endif

TEST_P(ListenerWatchTest, TheConnectionOfSomebodyElseIsASignOfLifeButNotTheWatchs) {
  EXPECT_FALSE(watch_.Accepted({"127.0.0.1", 12345}));
  EXPECT_FALSE(watch_.Accepted({"", 0}));
}

INSTANTIATE_TEST_SUITE_P(Addresses, ListenerWatchTest, testing::Values("127.0.0.1", "0.0.0.0"));

}  // namespace
}  // namespace onhook
