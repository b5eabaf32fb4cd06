#include "gateway/net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/notification.h"
#include "gateway/net/unix_socket.h"
#include "gtest/gtest.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

// A listener of either kind that closes what it accepts, after a word of greeting.
class ListenerTest : public testing::TestWithParam<const char*> {
 protected:
  ListenerTest() {
    options_.listen = absl::StrReplaceAll(GetParam(), {{"DIRECTORY", directory_.path()}});
    options_.self_dial_interval = absl::Milliseconds(20);
    options_.self_dials_until_given_up = 1'000'000;
    callbacks_.on_connection = [this](int socket, const Endpoint& peer) {
      EXPECT_FALSE(peer.address.empty());
      ++connections_;
      send(socket, "hello", 5, MSG_NOSIGNAL);  // to nobody, if it was a probe
      close(socket);
    };
    callbacks_.on_shortage = [this] { ++shortages_; };
    callbacks_.on_failed = [this](const absl::Status& why) {
      EXPECT_TRUE(absl::IsUnavailable(why)) << why;
      if (!failed_.HasBeenNotified()) failed_.Notify();
    };
    callbacks_.on_given_up = [this](const absl::Status& why) {
      EXPECT_TRUE(absl::IsUnavailable(why)) << why;
      given_up_.Notify();
    };
  }

  bool is_unix() const { return absl::StartsWith(options_.listen, "unix:"); }
  std::string path() const { return std::string(UnixSocketPath(options_.listen)); }

  absl::Status Start() {
    listener_ = std::make_unique<Listener>("http", options_, callbacks_, &clock_, &log_);
    return listener_->Start();
  }

  sockaddr_storage Target() const {
    sockaddr_storage address{};
    if (is_unix()) {
      auto& local = reinterpret_cast<sockaddr_un&>(address);
      local.sun_family = AF_UNIX;
      path().copy(local.sun_path, sizeof(local.sun_path) - 1);
    } else {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(static_cast<uint16_t>(listener_->port()));
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return address;
  }
  // A socket whose connection the listener's kernel has taken; -1: none.
  int Dial() const {
    const int dialling = socket(is_unix() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (Connect(dialling)) return dialling;
    close(dialling);
    return -1;
  }
  bool Connect(int dialling) const {
    const sockaddr_storage address = Target();
    const socklen_t size = is_unix() ? sizeof(sockaddr_un) : sizeof(sockaddr_in);
    return connect(dialling, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  }
  // What comes over `socket` until its end; closes it.
  static std::string ReadAll(int socket) {
    std::string got;
    char buffer[64];
    for (ssize_t n; (n = read(socket, buffer, sizeof(buffer))) > 0;) {
      got.append(buffer, static_cast<size_t>(n));
    }
    close(socket);
    return got;
  }
  // Dials until there is an answer.
  bool AnswersSoon() const {
    const absl::Time begun = clock_.Now();
    while (clock_.Now() - begun < absl::Seconds(20)) {
      const int dialled = Dial();
      if (dialled >= 0 && ReadAll(dialled) == "hello") return true;
      std::this_thread::yield();
    }
    return false;
  }
  bool BecomesAlive() const {
    const absl::Time begun = clock_.Now();
    while (!listener_->alive() && clock_.Now() - begun < absl::Seconds(20)) {
      std::this_thread::yield();
    }
    return listener_->alive();
  }
  // The listening socket, which this process holds too.
  int FindListener() const {
    for (int fd = 0; fd < 1024; ++fd) {
      if (IsListening(fd) && BoundPort(fd) == listener_->port()) return fd;
    }
    return -1;
  }

  TemporaryDirectory directory_;
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  Listener::Options options_;
  Listener::Callbacks callbacks_;
  std::atomic<int> connections_{0};
  std::atomic<int> shortages_{0};
  absl::Notification failed_;
  absl::Notification given_up_;
  std::unique_ptr<Listener> listener_;
};

TEST_P(ListenerTest, ConnectionsAreHandedOverAndItsOwnDialsAreNot) {
  ASSERT_TRUE(Start().ok());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(AnswersSoon());
  EXPECT_EQ(connections_, 20);
  EXPECT_TRUE(listener_->alive());
  EXPECT_EQ(listener_->port() == 0, is_unix());
}

TEST_P(ListenerTest, AnAddressThatIsTakenIsAnError) {
  ASSERT_TRUE(Start().ok());
  Listener::Options same = options_;
  if (!is_unix()) same.listen = absl::StrCat("127.0.0.1:", listener_->port());
  Listener second("http", same, callbacks_, &clock_, &log_);
  EXPECT_TRUE(absl::IsAlreadyExists(second.Start()));
  EXPECT_TRUE(AnswersSoon());
}

TEST_P(ListenerTest, StopClosesThePortAndTakesTheFileAway) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(AnswersSoon());
  listener_->Stop();
  EXPECT_FALSE(listener_->alive());
  EXPECT_EQ(Dial(), -1);
  struct stat file {};
  EXPECT_TRUE(!is_unix() || stat(path().c_str(), &file) != 0);
}

TEST_P(ListenerTest, AListenerThatDiesIsReportedAndOpenedAgain) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(AnswersSoon());
  ASSERT_EQ(shutdown(FindListener(), SHUT_RDWR), 0);
  failed_.WaitForNotification();
  EXPECT_TRUE(AnswersSoon());
  EXPECT_TRUE(BecomesAlive());
}

class UnixListenerTest : public ListenerTest {};

TEST_P(UnixListenerTest, AFileThatSomebodyRemovedIsMissedAndMadeAgain) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(AnswersSoon());
  ASSERT_EQ(unlink(path().c_str()), 0);
  failed_.WaitForNotification();
  EXPECT_TRUE(AnswersSoon());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_P(ListenerTest, WithoutDescriptorsItIsReportedAndServesThoseWhoWaitedOnceThereAreSome) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(AnswersSoon());
  const int waiting = socket(is_unix() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    NoDescriptors meanwhile;
    failed_.WaitForNotification();
    EXPECT_FALSE(listener_->alive());
    EXPECT_TRUE(Connect(waiting));
    EXPECT_GT(shortages_, 0);
  }
  EXPECT_EQ(ReadAll(waiting), "hello");
  EXPECT_TRUE(BecomesAlive());
}

TEST_P(ListenerTest, OneThatDoesNotComeBackIsGivenUp) {
  options_.self_dials_until_given_up = 8;
  ASSERT_TRUE(Start().ok());
  NoDescriptors meanwhile;
  given_up_.WaitForNotification();
  EXPECT_TRUE(failed_.HasBeenNotified());
}

// What shows that it is the dialling that notices.
TEST_P(ListenerTest, OneThatDoesNotDialItselfNoticesNothing) {
  const absl::Duration enough = 10 * options_.self_dial_interval;
  options_.self_dial_interval = absl::ZeroDuration();
  ASSERT_TRUE(Start().ok());
  NoDescriptors meanwhile;
  EXPECT_FALSE(failed_.WaitForNotificationWithTimeout(enough));
  EXPECT_TRUE(listener_->alive());
}
#endif

INSTANTIATE_TEST_SUITE_P(Kinds, ListenerTest,
                         testing::Values("127.0.0.1:0", "unix:DIRECTORY/grpc.sock"),
                         [](const testing::TestParamInfo<const char*>& kind) {
                           return absl::StartsWith(kind.param, "unix:") ? "UnixSocket" : "Tcp";
                         });

INSTANTIATE_TEST_SUITE_P(Kinds, UnixListenerTest, testing::Values("unix:DIRECTORY/grpc.sock"));

TEST(ListenerStartTest, AnAddressOfNoKindIsAnError) {
  const SystemClock clock;
  const Log log(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  for (const char* listen : {"", "localhost", "unix:relative"}) {
    Listener::Options options;
    options.listen = listen;
    Listener listener("http", options, {}, &clock, &log);
    EXPECT_TRUE(absl::IsInvalidArgument(listener.Start())) << listen;
  }
}

}  // namespace
}  // namespace onhook
