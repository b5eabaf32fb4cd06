#include "onhook/connection_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "onhook/client.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {
namespace {

const grpc::Status kLost(grpc::StatusCode::UNAVAILABLE, "restarting");

class ConnectionStateTest : public ::testing::Test {
 protected:
  ConnectionStateTest() {
    options_.subscription = "crm";
    options_.drain_timeout = kPatience;
    options_.on_state = Hook();
  }
  StateHook Hook() {
    return [this](ConnectionState state, const absl::Status& why) {
      states_.Put(why.ok() ? std::string(NameOf(state))
                           : absl::StrCat(NameOf(state), ": ", why.message()));
    };
  }
  std::unique_ptr<Subscriber> Subscribe() {
    return Client(gateway_.client_options()).Subscribe(options_, [](const v1::Delivery&) {
      return Settlement::Ack();
    });
  }
  FakeSubscribeStream& Stream() {
    FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
    stream->SendOpened();
    return *stream;
  }
  void Expect(const std::string& state) { EXPECT_EQ(states_.Take(), state); }

  FakeGateway gateway_;
  SubscribeOptions options_;
  Inbox<std::string> states_;
};

TEST_F(ConnectionStateTest, ALossIsToldWithItsCauseAndSoIsTheReturn) {
  const auto subscriber = Subscribe();
  Expect("connecting");
  FakeSubscribeStream& first = Stream();
  Expect("streaming");
  first.End(kLost);
  Expect("backing_off: restarting");
  Expect("connecting");
  FakeSubscribeStream& second = Stream();
  Expect("streaming");
  subscriber->RequestStop();
  EXPECT_TRUE(second.AwaitHalfClose());
  second.End();
  EXPECT_TRUE(subscriber->Wait().ok());
  Expect("stopped");
  EXPECT_TRUE(states_.empty());
}

TEST_F(ConnectionStateTest, APlannedEndIsNoReasonToWait) {
  options_.drain_timeout = absl::ZeroDuration();
  const auto subscriber = Subscribe();
  Expect("connecting");
  FakeSubscribeStream& old = Stream();
  Expect("streaming");
  old.SendGoAway(v1::GoAway::REASON_MAX_AGE);
  Expect("connecting");
  Stream();
  Expect("streaming");
}

TEST_F(ConnectionStateTest, WhatEndsItIsTold) {
  const auto subscriber = Subscribe();
  Expect("connecting");
  gateway_.TakeSubscribe()->End(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such subscription"));
  Expect("stopped: no such subscription");
  EXPECT_EQ(subscriber->Wait().code(), absl::StatusCode::kNotFound);
}

TEST_F(ConnectionStateTest, AWatchTellsTheSame) {
  WatchOptions options;
  options.on_state = Hook();
  const auto watcher =
      Client(gateway_.client_options()).Watch(options, [](const v1::WatchedEvent&) {
        return absl::OkStatus();
      });
  Expect("connecting");
  FakeWatchStream* const first = gateway_.TakeWatch();
  first->SendHeartbeat("c0");
  Expect("streaming");
  first->End(kLost);
  Expect("backing_off: restarting");
  Expect("connecting");
  gateway_.TakeWatch()->SendHeartbeat("c0");
  Expect("streaming");
  EXPECT_TRUE(watcher->Stop().ok());
  Expect("stopped");
}

}  // namespace
}  // namespace onhook::client
