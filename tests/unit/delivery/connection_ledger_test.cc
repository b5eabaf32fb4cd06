#include "gateway/delivery/connection_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/manual_clock.h"
#include "tests/support/no_descriptors.h"

namespace onhook {
namespace {

// A connection as the port has it: the end that gRPC would get, and the client's.
class TestConnection {
 public:
  TestConnection() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0); }
  ~TestConnection() {
    Close(ends_[0]);
    Close(ends_[1]);
  }
  TestConnection(const TestConnection&) = delete;
  TestConnection& operator=(const TestConnection&) = delete;

  int socket() const { return ends_[0]; }
  // As gRPC does it.
  void EndByServer() {
    shutdown(ends_[0], SHUT_RDWR);
    Close(ends_[0]);
  }
  void EndByClient() { Close(ends_[1]); }
  bool IsCut() const {
    pollfd client{ends_[1], 0, 0};
    return poll(&client, 1, 0) == 1 && (client.revents & POLLHUP) != 0;
  }

 private:
  static void Close(int& socket) {
    if (socket >= 0) close(socket);
    socket = -1;
  }

  int ends_[2] = {-1, -1};
};

class ConnectionLedgerTest : public testing::Test {
 protected:
  ConnectionLedgerTest() {
    options_.max_connections = 4;
    options_.max_connections_per_peer = 2;
    options_.max_connections_per_identity = 1;
    options_.tick_interval = absl::Milliseconds(1);
  }

  void Start() {
    ledger_ = std::make_unique<ConnectionLedger>(options_, &metrics_, &clock_, &log_);
    ASSERT_TRUE(ledger_->Start().ok());
  }

  // A connection from that address, each from a port of its own; null: there was no place for it.
  TestConnection* Connect(const std::string& address) {
    TestConnection& connection = connections_.emplace_back();
    return ledger_->Admit(connection.socket(), {address, next_port_++}) ? &connection : nullptr;
  }
  // How gRPC calls the peer of the last connection.
  std::string LastPeer(const std::string& address) const {
    return absl::StrCat("ipv4:", address, ":", next_port_ - 1);
  }
  std::unique_ptr<ConnectionLedger::Stream> StreamOn(const std::string& peer) {
    return std::make_unique<ConnectionLedger::Stream>(ledger_.get(), peer);
  }
  // Waits until the kernel has told of every end.
  void AwaitSize(size_t size) const {
    const absl::Time begun = absl::Now();
    while (ledger_->size() != size && absl::Now() - begun < absl::Seconds(20)) {
      std::this_thread::yield();
    }
    EXPECT_EQ(ledger_->size(), size);
  }
  void AwaitCut(const TestConnection& connection) const {
    const absl::Time begun = absl::Now();
    while (!connection.IsCut() && absl::Now() - begun < absl::Seconds(20)) {
      std::this_thread::yield();
    }
    EXPECT_TRUE(connection.IsCut());
  }
  std::string Refused(const std::string& reason, int count) const {
    return absl::StrCat("onhook_grpc_connections_refused_total{reason=\"", reason, "\"} ", count,
                        "\n");
  }

  DeliveryOptions options_;
  ManualClock clock_;
  Metrics metrics_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  std::list<TestConnection> connections_;
  std::unique_ptr<ConnectionLedger> ledger_;
  int next_port_ = 1000;
};

TEST_F(ConnectionLedgerTest, APlaceIsFreeAgainWhoeverEndsTheConnection) {
  Start();
  TestConnection* const first = Connect("127.0.0.1");
  TestConnection* const second = Connect("127.0.0.1");
  AwaitSize(2);
  first->EndByServer();
  AwaitSize(1);
  second->EndByClient();
  AwaitSize(0);
}

TEST_F(ConnectionLedgerTest, ANewcomerTakesThePlaceOfTheOneThatHasHadNoStreamForTheLongest) {
  Start();
  TestConnection* const first = Connect("127.0.0.1");
  const auto stream = StreamOn(LastPeer("127.0.0.1"));
  TestConnection* const second = Connect("127.0.0.1");
  TestConnection* const third = Connect("127.0.0.1");
  Connect("127.0.0.1");
  EXPECT_NE(Connect("127.0.0.1"), nullptr);
  AwaitCut(*second);
  EXPECT_FALSE(first->IsCut());
  EXPECT_FALSE(third->IsCut());
  AwaitSize(4);
}

TEST_F(ConnectionLedgerTest, NobodyWithAStreamIsCutForAnother) {
  Start();
  std::list<std::unique_ptr<ConnectionLedger::Stream>> streams;
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(Connect("127.0.0.1"), nullptr);
    streams.push_back(StreamOn(LastPeer("127.0.0.1")));
  }
  EXPECT_EQ(Connect("127.0.0.1"), nullptr);
  EXPECT_THAT(metrics_.Text(), testing::HasSubstr(Refused("connections", 1)));
  streams.pop_front();
  EXPECT_NE(Connect("127.0.0.1"), nullptr);
  AwaitCut(connections_.front());
}

TEST_F(ConnectionLedgerTest, APeersCapIsItsOwn) {
  Start();
  std::list<std::unique_ptr<ConnectionLedger::Stream>> streams;
  for (int i = 0; i < 2; ++i) {
    ASSERT_NE(Connect("192.0.2.1"), nullptr);
    streams.push_back(StreamOn(LastPeer("192.0.2.1")));
  }
  EXPECT_EQ(Connect("192.0.2.1"), nullptr);
  EXPECT_THAT(metrics_.Text(), testing::HasSubstr(Refused("peer", 1)));
  EXPECT_NE(Connect("192.0.2.2"), nullptr);
}

TEST_F(ConnectionLedgerTest, OfIpv6OneNetworkIsOnePeer) {
  Start();
  TestConnection* const first = Connect("2001:db8:1:2::1");
  Connect("2001:db8:1:2::2");
  EXPECT_NE(Connect("2001:db8:1:2::3"), nullptr);
  AwaitCut(*first);
  AwaitSize(2);
}

TEST_F(ConnectionLedgerTest, OfUnixDomainSocketsAndLoopbackNoPeerIsCapped) {
  Start();
  for (const Endpoint& peer : {Endpoint{"unix:", 0}, Endpoint{"unix:", 0}, Endpoint{"::1", 1}}) {
    EXPECT_TRUE(ledger_->Admit(connections_.emplace_back().socket(), peer));
  }
  Connect("127.0.0.1");
  AwaitSize(4);
  for (const TestConnection& each : connections_) EXPECT_FALSE(each.IsCut());
}

TEST_F(ConnectionLedgerTest, AConnectionIsFoundByWhatGrpcCallsItsPeer) {
  const struct {
    Endpoint peer;
    const char* called;
  } rows[] = {
      {{"192.0.2.1", 7}, "ipv4:192.0.2.1:7"},
      {{"2001:db8::1", 8}, "ipv6:%5B2001:db8::1%5D:8"},
      {{"2001:db8::2", 9}, "ipv6:[2001:db8::2]:9"},
      {{"fe80::1", 10}, "ipv6:%5Bfe80::1%25eth0%5D:10"},
  };
  options_.max_connections_per_identity = 1;
  Start();
  for (const auto& row : rows) {
    ASSERT_TRUE(ledger_->Admit(connections_.emplace_back().socket(), row.peer));
    const std::string identity = row.called;
    EXPECT_TRUE(ledger_->Attribute(row.called, identity).ok());
    // It has its one connection, so another one would be too many.
    EXPECT_TRUE(ledger_->Attribute(row.called, identity).ok());
    Connect("127.0.0.1");
    EXPECT_FALSE(ledger_->Attribute(LastPeer("127.0.0.1"), identity).ok()) << row.called;
    ledger_->Stop();
    Start();
  }
}

TEST_F(ConnectionLedgerTest, OfAUnixDomainSocketItIsFoundByTheDescriptorThatGrpcGot) {
  Start();
  const int socket = connections_.emplace_back().socket();
  ASSERT_TRUE(ledger_->Admit(socket, {"unix:", 0}));
  ASSERT_TRUE(ledger_->Attribute(absl::StrCat("fd:", socket), "crm").ok());
  Connect("127.0.0.1");
  EXPECT_FALSE(ledger_->Attribute(LastPeer("127.0.0.1"), "crm").ok());
}

TEST_F(ConnectionLedgerTest, AnIdentityWithTooManyConnectionsIsToldSoAndTheConnectionCutLater) {
  Start();
  TestConnection* const first = Connect("127.0.0.1");
  EXPECT_TRUE(ledger_->Attribute(LastPeer("127.0.0.1"), "crm").ok());
  TestConnection* const second = Connect("127.0.0.1");
  const absl::Status refused = ledger_->Attribute(LastPeer("127.0.0.1"), "crm");
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("\"crm\" has 1 connections"));
  EXPECT_THAT(metrics_.Text(), testing::HasSubstr(Refused("identity", 1)));
  EXPECT_FALSE(second->IsCut());  // so that the answer gets through
  clock_.Advance(absl::Seconds(1));
  AwaitCut(*second);
  EXPECT_FALSE(first->IsCut());
}

TEST_F(ConnectionLedgerTest, AConnectionOfOthersIsNotCutForAnIdentityWithTooMany) {
  Start();
  Connect("127.0.0.1");
  EXPECT_TRUE(ledger_->Attribute(LastPeer("127.0.0.1"), "crm").ok());
  // As of a proxy that sends the calls of many.
  TestConnection* const shared = Connect("127.0.0.1");
  EXPECT_TRUE(ledger_->Attribute(LastPeer("127.0.0.1"), "billing").ok());
  const auto stream = StreamOn(LastPeer("127.0.0.1"));
  EXPECT_TRUE(absl::IsResourceExhausted(ledger_->Attribute(LastPeer("127.0.0.1"), "crm")));
  TestConnection* const alone = Connect("127.0.0.1");
  EXPECT_TRUE(absl::IsResourceExhausted(ledger_->Attribute(LastPeer("127.0.0.1"), "crm")));
  clock_.Advance(absl::Seconds(1));
  AwaitCut(*alone);  // looked at after the shared one
  EXPECT_FALSE(shared->IsCut());
}

TEST_F(ConnectionLedgerTest, AnIdentitysPlaceIsFreeAgainWhenItsConnectionEnds) {
  Start();
  Connect("127.0.0.1")->EndByClient();
  const std::string gone = LastPeer("127.0.0.1");
  ledger_->Attribute(gone, "crm").IgnoreError();
  AwaitSize(0);
  Connect("127.0.0.1");
  EXPECT_TRUE(ledger_->Attribute(LastPeer("127.0.0.1"), "crm").ok());
}

TEST_F(ConnectionLedgerTest, OthersAndNobodyAreNotCountedForAnIdentity) {
  Start();
  for (const char* identity : {"crm", "billing", "", ""}) {
    Connect("127.0.0.1");
    EXPECT_TRUE(ledger_->Attribute(LastPeer("127.0.0.1"), identity).ok());
  }
  EXPECT_TRUE(ledger_->Attribute("inproc", "crm").ok());
  EXPECT_TRUE(ledger_->Attribute("ipv4:nonsense", "crm").ok());
}

TEST_F(ConnectionLedgerTest, AShortageOfDescriptorsEndsThoseWithoutAStreamButNotWhoHasJustCome) {
  Start();
  TestConnection* const idle = Connect("127.0.0.1");
  TestConnection* const busy = Connect("127.0.0.1");
  const auto stream = StreamOn(LastPeer("127.0.0.1"));
  ledger_->MakeDescriptorsFree();
  EXPECT_FALSE(idle->IsCut());
  TestConnection* const newcomer = Connect("127.0.0.1");
  ledger_->MakeDescriptorsFree();
  AwaitCut(*idle);
  EXPECT_FALSE(busy->IsCut());
  EXPECT_FALSE(newcomer->IsCut());
  AwaitSize(2);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(ConnectionLedgerTest, AConnectionThatCannotBeWatchedIsRefused) {
  Start();
  const int socket = connections_.emplace_back().socket();
  {
    NoDescriptors meanwhile;
    EXPECT_FALSE(ledger_->Admit(socket, {"127.0.0.1", 1}));
  }
  EXPECT_THAT(metrics_.Text(), testing::HasSubstr(Refused("descriptors", 1)));
  EXPECT_EQ(ledger_->size(), 0u);
}
#endif

TEST_F(ConnectionLedgerTest, StopCutsWhatIsLeftAndTakesNoMore) {
  Start();
  TestConnection* const connection = Connect("127.0.0.1");
  const auto stream = StreamOn(LastPeer("127.0.0.1"));
  ledger_->Stop();
  EXPECT_TRUE(connection->IsCut());
  EXPECT_EQ(Connect("127.0.0.1"), nullptr);
}

TEST_F(ConnectionLedgerTest, FewerConnectionsAreLeftAsNewcomersComeButNoneWithAStreamIsCut) {
  Start();
  TestConnection* const busy = Connect("192.0.2.1");
  const ConnectionLedger::Stream stream(ledger_.get(), LastPeer("192.0.2.1"));
  TestConnection* const second = Connect("192.0.2.2");
  TestConnection* const third = Connect("192.0.2.3");
  options_.max_connections = 2;
  ledger_->SetLimits(options_);
  EXPECT_FALSE(second->IsCut());
  TestConnection* const newcomer = Connect("192.0.2.4");
  ASSERT_NE(newcomer, nullptr);
  EXPECT_TRUE(second->IsCut());
  EXPECT_TRUE(third->IsCut());
  EXPECT_FALSE(busy->IsCut());
  options_.max_connections = 4;
  ledger_->SetLimits(options_);
  EXPECT_NE(Connect("192.0.2.5"), nullptr);
  EXPECT_FALSE(newcomer->IsCut());
}

}  // namespace
}  // namespace onhook
