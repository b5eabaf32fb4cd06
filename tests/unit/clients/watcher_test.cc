#include "onhook/watcher.h"

#include <gtest/gtest.h>

#include "onhook/status.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {
namespace {

const grpc::Status kLost(grpc::StatusCode::UNAVAILABLE, "lost");

// A watcher of the fake gateway that reports every event it handles.
class WatcherTest : public ::testing::Test {
 protected:
  void Start() {
    options_.on_opened = [this](absl::string_view cursor) { opened_.Put(std::string(cursor)); };
    options_.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
    watcher_ =
        Client(gateway_.client_options()).Watch(options_, [this](const v1::WatchedEvent& event) {
          handled_.Put(event.event().event_id());
          return event.event().event_id() == refused_ ? absl::AbortedError("refused")
                                                      : absl::OkStatus();
        });
  }
  FakeWatchStream& Stream() { return *gateway_.TakeWatch(); }

  FakeGateway gateway_;
  WatchOptions options_;
  std::string refused_;
  Inbox<std::string> opened_;
  Inbox<std::string> handled_;
  Inbox<absl::Status> losses_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, EventsAreHandledInOrder) {
  options_.request.set_position(v1::START_POSITION_EARLIEST);
  options_.request.set_observe_only(true);
  Start();
  FakeWatchStream& stream = Stream();
  EXPECT_EQ(stream.request().position(), v1::START_POSITION_EARLIEST);
  EXPECT_TRUE(stream.request().observe_only());
  stream.SendHeartbeat("c0");
  stream.SendEvents({1, 2});
  stream.SendEvents({3});
  EXPECT_EQ(opened_.Take(), "c0");
  EXPECT_EQ(handled_.Take(), "e1");
  EXPECT_EQ(handled_.Take(), "e2");
  EXPECT_EQ(handled_.Take(), "e3");
}

TEST_F(WatcherTest, ALostStreamIsReadOnBehindTheLastEventHandled) {
  Start();
  FakeWatchStream& first = Stream();
  first.SendHeartbeat("c0");
  first.SendEvents({1, 2});
  first.End(kLost);
  EXPECT_EQ(losses_.Take().message(), "lost");
  FakeWatchStream& second = Stream();
  EXPECT_EQ(second.request().after_cursor(), "c2");
  second.SendHeartbeat("c2");
  second.SendEvents({3});
  EXPECT_EQ(handled_.Take(), "e1");
  EXPECT_EQ(handled_.Take(), "e2");
  EXPECT_EQ(handled_.Take(), "e3");
}

TEST_F(WatcherTest, AHeartbeatMovesThePlaceToo) {
  Start();
  FakeWatchStream& first = Stream();
  first.SendHeartbeat("c7");
  first.End(kLost);
  EXPECT_EQ(Stream().request().after_cursor(), "c7");
}

TEST_F(WatcherTest, AFollowingWatchThatEndsWithOkIsALostOne) {
  Start();
  Stream().End();
  EXPECT_EQ(losses_.Take().code(), absl::StatusCode::kUnavailable);
  Stream();
}

TEST_F(WatcherTest, AWatchToTheEndEndsThere) {
  options_.request.set_stop_at_end(true);
  Start();
  FakeWatchStream& stream = Stream();
  stream.SendEvents({1});
  stream.End();
  EXPECT_TRUE(watcher_->Wait().ok());
  EXPECT_EQ(watcher_->cursor(), "c1");
}

TEST_F(WatcherTest, ARefusedEventEndsTheWatchAndCountsAsNotHandled) {
  refused_ = "e2";
  Start();
  Stream().SendEvents({1, 2, 3});
  EXPECT_EQ(watcher_->Wait(), absl::AbortedError("refused"));
  EXPECT_EQ(watcher_->cursor(), "c1");
}

TEST_F(WatcherTest, AGapEndsTheWatchAndSaysHowLargeItIs) {
  Start();
  Stream().End(StatusWithReason(grpc::StatusCode::OUT_OF_RANGE, "no longer kept", "CURSOR_TOO_OLD",
                                {{"events_lost", "12"}}));
  const absl::Status status = watcher_->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorMetadata(status, "events_lost"), "12");
  EXPECT_EQ(ErrorMetadata(status, "oldest_cursor"), "");
}

TEST_F(WatcherTest, StopEndsAnIdleWatch) {
  Start();
  Stream().SendHeartbeat("c0");
  EXPECT_TRUE(watcher_->Stop().ok());
}

}  // namespace
}  // namespace onhook::client
