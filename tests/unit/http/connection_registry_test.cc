#include "gateway/http/connection_registry.h"

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/exchangeable.h"
#include "gateway/http/connection.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

// Connections that serve nobody: each is idle since it was made.
class ConnectionRegistryTest : public testing::Test {
 protected:
  struct Guest {
    ConnectionRegistry::Place* place = nullptr;
    int socket = -1;
    std::unique_ptr<Connection> connection;
  };

  ~ConnectionRegistryTest() override {
    for (Guest& guest : guests_) {
      if (guest.place != nullptr) registry_.Leave(guest.place);
    }
  }

  Guest& Admit(const std::string& peer) {
    Guest& guest = guests_.emplace_back();
    guest.place = registry_.Admit(peer);
    return guest;
  }

  void Occupy(Guest& guest) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    others_.push_back(std::make_unique<Connection>(context_, ends[1], ""));
    guest.socket = ends[0];
    guest.connection = std::make_unique<Connection>(context_, ends[0], "");
    registry_.Occupy(guest.place, guest.connection.get());
  }

  static bool WasEnded(const Guest& guest) {
    char byte;
    return recv(guest.socket, &byte, 1, MSG_DONTWAIT) == 0;
  }

  void Limit(void (*limit)(HttpOptions&)) {
    HttpOptions options = *options_.Get();
    limit(options);
    options_.Set(options);
    registry_.SetOptions(options);
  }

  Exchangeable<HttpOptions> options_{HttpOptions()};
  ConnectionRegistry registry_{HttpOptions()};
  ManualClock clock_;
  FrontEnd front_end_{&clock_};
  const std::atomic<bool> answers_are_last_{false};
  const std::atomic<bool> idle_ends_{false};
  std::atomic<uint64_t> turns_{0};
  const HttpHandler handler_;
  const HttpTask task_;
  const std::function<void(Connection*, ConnectionStep)> go_on_;
  const ErrorBody error_body_;
  const std::function<void(absl::string_view)> on_refused_;
  const ConnectionContext context_{options_, absl::Seconds(5), handler_,          task_,
                                   go_on_,   error_body_,      on_refused_,       front_end_,
                                   nullptr,  &clock_,          answers_are_last_, idle_ends_,
                                   turns_};
  std::vector<std::unique_ptr<Connection>> others_;  // the far ends
  std::list<Guest> guests_;
};

TEST_F(ConnectionRegistryTest, TheLongestIdleConnectionEndsForANewcomer) {
  Limit([](HttpOptions& options) { options.max_connections = 2; });
  Guest& newer = Admit("192.0.2.1");
  Guest& older = Admit("192.0.2.2");
  Occupy(older);
  Occupy(newer);
  EXPECT_TRUE(Admit("192.0.2.3").place->served);
  EXPECT_TRUE(WasEnded(older));
  EXPECT_FALSE(WasEnded(newer));
}

TEST_F(ConnectionRegistryTest, AConnectionThatHasToGoBeforeItBeganEndsWhenItBegins) {
  Limit([](HttpOptions& options) { options.max_connections = 1; });
  Guest& first = Admit("192.0.2.1");
  EXPECT_TRUE(Admit("192.0.2.2").place->served);
  Occupy(first);
  EXPECT_TRUE(WasEnded(first));
}

TEST_F(ConnectionRegistryTest, ThoseWhoHaveToGoAreNotUnlimited) {
  Limit([](HttpOptions& options) { options.max_connections = 1; });
  for (int i = 0; i <= ConnectionRegistry::kLeavingMax; ++i) {
    EXPECT_TRUE(Admit("192.0.2.1").place->served) << i;
  }
  EXPECT_FALSE(Admit("192.0.2.1").place->served);
}

TEST_F(ConnectionRegistryTest, ThoseWhoAreTurnedAwayTakeNoRoomFromTheServed) {
  Limit([](HttpOptions& options) { options.max_connections_per_peer = 1; });
  Limit([](HttpOptions& options) { options.max_refusals = 2; });
  EXPECT_TRUE(Admit("192.0.2.1").place->served);
  for (int i = 0; i < ConnectionRegistry::kLeavingMax; ++i) Admit("192.0.2.1");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(Admit("192.0.2.1").place->served);
  EXPECT_EQ(Admit("192.0.2.1").place, nullptr);
  EXPECT_TRUE(Admit("192.0.2.2").place->served);
}

TEST_F(ConnectionRegistryTest, ANetworkOfIpv6CountsAsOnePeer) {
  Limit([](HttpOptions& options) { options.max_connections_per_peer = 1; });
  Occupy(Admit("2001:db8:1:1::1"));
  Guest& other = Admit("2001:db8:1:2::1");
  Occupy(other);
  EXPECT_TRUE(Admit("2001:db8:1:1:ffff::2").place->served);
  EXPECT_TRUE(WasEnded(guests_.front()));
  EXPECT_FALSE(WasEnded(other));
}

TEST_F(ConnectionRegistryTest, WhenAllHaveLeftThereIsRoomAgain) {
  Limit([](HttpOptions& options) { options.max_connections = 1; });
  for (int i = 0; i < 1000; ++i) {
    ConnectionRegistry::Place* const place = registry_.Admit("192.0.2.1");
    EXPECT_TRUE(place->served) << i;
    EXPECT_FALSE(registry_.AwaitNone(absl::ZeroDuration()));
    registry_.Leave(place);
    EXPECT_TRUE(registry_.AwaitNone(absl::ZeroDuration()));
  }
}

TEST_F(ConnectionRegistryTest, FewerOfOnePeerAreLeftAsItsNextOneComes) {
  std::vector<Guest*> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(&Admit("192.0.2.1"));
    Occupy(*idle.back());
  }
  Limit([](HttpOptions& options) { options.max_connections_per_peer = 1; });
  for (const Guest* guest : idle) EXPECT_FALSE(WasEnded(*guest));
  EXPECT_TRUE(Admit("192.0.2.1").place->served);
  for (const Guest* guest : idle) EXPECT_TRUE(WasEnded(*guest));
}

}  // namespace
}  // namespace onhook
