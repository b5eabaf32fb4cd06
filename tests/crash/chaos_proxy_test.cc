// The network between the gateway and its peers does to their connections what it is told.
#include "tests/support/chaos_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr size_t kBytes = 200'000;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string Text() {
  std::string text;
  while (text.size() < kBytes) text += std::to_string(text.size()) + " ";
  return text;
}

// One connection through a proxy, held at both its ends.
class ChaosProxyTest : public testing::Test {
 protected:
  ChaosProxyTest() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    proxy_.LeadTo(ntohs(address.sin_port));
    client_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in way = Loopback(proxy_.port());
    EXPECT_EQ(connect(client_, reinterpret_cast<const sockaddr*>(&way), sizeof way), 0);
    server_ = accept(listener, nullptr, nullptr);
    EXPECT_GE(server_, 0);
    close(listener);
  }
  ~ChaosProxyTest() override {
    if (client_ >= 0) close(client_);
    close(server_);
  }

  static void Write(int socket, const std::string& text) {
    EXPECT_EQ(send(socket, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // All that comes until there are `size` bytes, or the connection ends; errno says how.
  static std::string Read(int socket, size_t size) {
    std::string text(size, '\0');
    size_t read = 0;
    while (read < size) {
      errno = 0;
      const ssize_t got = recv(socket, text.data() + read, size - read, 0);
      if (got <= 0) break;
      read += static_cast<size_t>(got);
    }
    text.resize(read);
    return text;
  }
  static bool IsSilent(int socket) {
    pollfd watched{socket, POLLIN, 0};
    return poll(&watched, 1, 0) == 0;
  }
  void WaitForVanished(int64_t bytes) const {
    pollfd nothing{-1, 0, 0};
    while (proxy_.tally().vanished < bytes) poll(&nothing, 1, 1);
  }

  ChaosProxy proxy_{7};
  int client_ = -1;
  int server_ = -1;
};

TEST_F(ChaosProxyTest, BytesGoBothWaysAsTheyAreAndSoDoesTheEnd) {
  Write(client_, Text());
  EXPECT_EQ(Read(server_, Text().size()), Text());
  Write(server_, Text());
  EXPECT_EQ(Read(client_, Text().size()), Text());
  shutdown(client_, SHUT_WR);
  EXPECT_EQ(Read(server_, 1), "");
  EXPECT_EQ(errno, 0);
}

TEST_F(ChaosProxyTest, WhatIsSlowComesWholeAndLater) {
  const SystemClock clock;
  const absl::Duration begun = clock.Elapsed();
  proxy_.SetWeather(ChaosProxy::kToServer, {absl::Milliseconds(20), 1000}, 100);
  Write(client_, Text().substr(0, 600));
  EXPECT_EQ(Read(server_, 600), Text().substr(0, 600));
  // Three pieces: what was agreed lies behind the second.
  EXPECT_GE(clock.Elapsed() - begun, absl::Milliseconds(500));
}

TEST_F(ChaosProxyTest, WhereBytesVanishNobodyHearsOfAnythingUntilTheServerEndsIt) {
  proxy_.SetWeather(ChaosProxy::kToServer, {absl::ZeroDuration(), 0, true}, 100);
  Write(client_, "ping");
  WaitForVanished(4);
  proxy_.SetWeather(ChaosProxy::kToServer, {}, 100);
  Write(client_, "what is behind a gap is no message");
  WaitForVanished(38);
  EXPECT_TRUE(IsSilent(server_));
  Write(server_, "pong");
  EXPECT_EQ(Read(client_, 4), "pong");
  shutdown(client_, SHUT_RDWR);
  EXPECT_TRUE(IsSilent(server_));
  shutdown(server_, SHUT_WR);
  EXPECT_EQ(Read(server_, 1), "");
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(ChaosProxyTest, ACutComesInTheMiddleOfAMessage) {
  proxy_.Cut(ChaosProxy::kToServer, ChaosProxy::End::kReset, 1000, 100);
  Write(client_, Text());
  const std::string got = Read(server_, kBytes);
  EXPECT_LE(got.size(), 1000u);
  EXPECT_EQ(got, Text().substr(0, got.size()));
  EXPECT_EQ(errno, ECONNRESET);
  Read(client_, 1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(proxy_.tally().cuts, 1);
}

TEST_F(ChaosProxyTest, AServerThatIsNotThereEndsTheConnection) {
  proxy_.LeadTo(1);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in way = Loopback(proxy_.port());
  EXPECT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&way), sizeof way), 0);
  EXPECT_EQ(Read(client, 1), "");
  close(client);
}

}  // namespace
}  // namespace onhook
