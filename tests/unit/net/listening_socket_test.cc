#include "gateway/net/listening_socket.h"

#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

TEST(ListeningSocketTest, AnAddressIsAHostAndAPort) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } rows[] = {
      {"127.0.0.1:8080", "127.0.0.1", 8080},
      {"localhost:0", "localhost", 0},
      {"[::1]:65535", "::1", 65535},
  };
  for (const auto& row : rows) {
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(row.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, row.host);
    EXPECT_EQ(address->port, row.port);
  }
}

TEST(ListeningSocketTest, AnythingElseIsRefused) {
  for (const char* text :
       {"", "8080", ":8080", "localhost", "localhost:", "localhost:http", "localhost:65536",
        "localhost:-1", "localhost:+1", "localhost: 1", "::1:80", "[::1]80", "[]:80", "[::1:80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseListenAddress(text).status())) << text;
  }
}

TEST(ListeningSocketTest, AnAddressOfAnotherMachineIsAnError) {
  const absl::StatusOr<int> opened = OpenListeningSocket({"192.0.2.1", 0}, 1);
  EXPECT_TRUE(absl::IsUnavailable(opened.status())) << opened.status();
}

TEST(ListeningSocketTest, AnOpenSocketListensOnItsPort) {
  const absl::StatusOr<int> opened = OpenListeningSocket({"localhost", 0}, 1);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(IsListening(*opened));
  EXPECT_GT(BoundPort(*opened), 0);
  close(*opened);
}

TEST(ListeningSocketTest, OnlyLoopbackIsLoopback) {
  EXPECT_TRUE(IsLoopback("127.0.0.1"));
  EXPECT_TRUE(IsLoopback("127.8.8.8"));
  EXPECT_TRUE(IsLoopback("::1"));
  EXPECT_FALSE(IsLoopback("192.0.2.1"));
  EXPECT_FALSE(IsLoopback("::"));
  EXPECT_FALSE(IsLoopback(""));
}

TEST(ListeningSocketTest, ConnectionsOfOneNetworkOfIpv6CountTogether) {
  EXPECT_EQ(CountedAs("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
  EXPECT_EQ(CountedAs("2001:db8:1:2::"), "2001:db8:1:2::");
  EXPECT_EQ(CountedAs("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(CountedAs("unix:"), "unix:");
}

TEST(CheckPortIsFreeTest, APortIsTakenForAsLongAsSomebodyListensThere) {
  const absl::StatusOr<int> open = OpenListeningSocket({"127.0.0.1", 0}, 1);
  ASSERT_TRUE(open.ok()) << open.status();
  const ListenAddress address = {"127.0.0.1", BoundPort(*open)};
  EXPECT_EQ(CheckPortIsFree(address).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CheckPortIsFree(address), OpenListeningSocket(address, 1).status());
  close(*open);
  EXPECT_TRUE(CheckPortIsFree(address).ok());
  EXPECT_TRUE(CheckPortIsFree(address).ok()) << "the check itself takes nothing";
}

TEST(CheckPortIsFreeTest, AnAddressOfAnotherMachineIsNotFree) {
  EXPECT_EQ(CheckPortIsFree({"192.0.2.1", 0}).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhook
