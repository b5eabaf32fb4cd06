#include <gmock/gmock.h>

#include "gateway/delivery/cursor.h"
#include "gateway/delivery/proto_time.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WatchStreamTest : public DeliveryFixture {
 protected:
  grpc::StatusCode EndOf(const v1::WatchRequest& request) {
    Watcher watcher = Watch(request);
    return watcher.End().error_code();
  }
  grpc::StatusCode EndAfterCursor(const std::string& cursor) {
    v1::WatchRequest request;
    request.set_after_cursor(cursor);
    request.set_stop_at_end(true);
    return EndOf(request);
  }
};

TEST_F(WatchStreamTest, AnEmptyRequestFollowsFromNowOnAndIsToldWhereThatIs) {
  Append("before");
  Watcher watcher = Watch();
  EXPECT_EQ(watcher.Next().heartbeat().cursor(), FormatCursor(store_->store_id(), 1));
  Append("after");
  EXPECT_THAT(watcher.Calls(1), ElementsAre("after"));
}

TEST_F(WatchStreamTest, EarliestSendsAllThenFollows) {
  Append("a");
  Append("b");
  Watcher watcher = WatchFrom(v1::START_POSITION_EARLIEST);
  EXPECT_THAT(watcher.Calls(2), ElementsAre("a", "b"));
  Append("c");
  EXPECT_THAT(watcher.Calls(1), ElementsAre("c"));
}

TEST_F(WatchStreamTest, ACursorGoesOnBehindItsEvent) {
  for (const char* call : {"a", "b", "c"}) Append(call);
  Watcher first = WatchFrom(v1::START_POSITION_EARLIEST);
  first.Calls(3);
  v1::WatchRequest request;
  request.set_after_cursor(FormatCursor(store_->store_id(), 1));
  EXPECT_THAT(Watch(request).Calls(2), ElementsAre("b", "c"));
  request.set_after_cursor(first.last_cursor());
  request.set_stop_at_end(true);
  EXPECT_THAT(Watch(request).Calls(1), IsEmpty());
}

TEST_F(WatchStreamTest, ATimeBeginsWithTheFirstEventReceivedThenOrLater) {
  Append("a");
  clock_.Advance(absl::Minutes(1));
  const absl::Time since = clock_.Now();
  Append("b");
  v1::WatchRequest request;
  *request.mutable_since_time() = ToProto(since);
  EXPECT_THAT(Watch(request).Calls(1), ElementsAre("b"));
}

TEST_F(WatchStreamTest, StopAtEndEndsWithOkAfterWhatWasStored) {
  Append("a");
  Append("b");
  Watcher watcher = WatchFrom(v1::START_POSITION_EARLIEST, /*stop_at_end=*/true);
  EXPECT_THAT(watcher.Calls(100), ElementsAre("a", "b"));
  EXPECT_TRUE(watcher.End().ok());
}

TEST_F(WatchStreamTest, StopAtEndOfAnEmptyLogIsOk) {
  Watcher watcher = WatchFrom(v1::START_POSITION_EARLIEST, /*stop_at_end=*/true);
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  EXPECT_TRUE(watcher.End().ok());
}

TEST_F(WatchStreamTest, AFilterLeavesOutAndTheCursorStillPassesThem) {
  Append("a", "1");
  Append("b", "2");
  Append("c", "1");
  Append("d", "2");
  v1::WatchRequest request;
  request.set_position(v1::START_POSITION_EARLIEST);
  request.set_stop_at_end(true);
  request.mutable_filter()->add_service_nos("1");
  Watcher watcher = Watch(request);
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  EXPECT_EQ(watcher.Next().events().events_size(), 2);
  EXPECT_EQ(watcher.Next().heartbeat().cursor(), FormatCursor(store_->store_id(), 4));
}

TEST_F(WatchStreamTest, LargeLogsComeInSeveralMessages) {
  for (int i = 0; i < 600; ++i) Append(absl::StrCat("call-", i));
  Watcher watcher = WatchFrom(v1::START_POSITION_EARLIEST, /*stop_at_end=*/true);
  EXPECT_EQ(watcher.Calls(600).size(), 600u);
}

TEST_F(WatchStreamTest, WrongStartsAreRefused) {
  Append("a");
  EXPECT_EQ(EndAfterCursor("nonsense"), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(EndAfterCursor(FormatCursor("0123456789abcdef", 1)),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(EndAfterCursor(FormatCursor(store_->store_id(), 2)),
            grpc::StatusCode::FAILED_PRECONDITION);
  v1::WatchRequest request;
  request.mutable_since_time()->set_nanos(-1);
  EXPECT_EQ(EndOf(request), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchStreamTest, AFilterBeyondItsBoundsIsRefused) {
  v1::WatchRequest request;
  for (int i = 0; i <= 100; ++i) request.mutable_filter()->add_sources("s");
  EXPECT_EQ(EndOf(request), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchStreamTest, ItIsEnoughForACallbackToBeAcknowledged) {
  Watcher watcher = Watch();
  ASSERT_TRUE(watcher.Next().has_heartbeat());
  EXPECT_TRUE(Accept("a").ok());
  EXPECT_THAT(watcher.Calls(1), ElementsAre("a"));
}

TEST_F(WatchStreamTest, ACallbackDoesNotWaitForAFilterThatExcludesItsEvent) {
  v1::WatchRequest request;
  request.mutable_filter()->add_sources("another");
  Watcher watcher = Watch(request);
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  clock_.Advance(absl::Hours(2));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Accept("a", absl::Hours(1)))) << "hangs if it waits";
}

TEST_F(WatchStreamTest, AnObserverIsNotEnoughForACallback) {
  v1::WatchRequest request;
  request.set_observe_only(true);
  Watcher watcher = Watch(request);
  ASSERT_TRUE(watcher.Next().has_heartbeat());
  EXPECT_TRUE(absl::IsDeadlineExceeded(Accept("a", absl::Milliseconds(1))));
  EXPECT_THAT(watcher.Calls(1), ElementsAre("a"));
}

TEST_F(WatchStreamTest, AnIdleWatchGetsAHeartbeatWithItsPlace) {
  Append("a");
  Watcher watcher = Watch();
  watcher.Next();
  clock_.Advance(absl::Seconds(15));
  EXPECT_EQ(watcher.Next().heartbeat().cursor(), FormatCursor(store_->store_id(), 1));
}

// The clock jumps here: a write that is under way then must not look stalled.
class OldWatchTest : public DeliveryFixture {
 protected:
  OldWatchTest() { options_.stalled_after = absl::Hours(1); }
};

TEST_F(OldWatchTest, AnOldWatchIsToldAndEndedAsUnavailable) {
  Watcher watcher = Watch();
  watcher.Next();
  clock_.Advance(absl::Minutes(33));
  v1::WatchResponse response = watcher.Next();
  if (response.has_heartbeat()) response = watcher.Next();
  EXPECT_EQ(response.go_away().reason(), v1::GoAway::REASON_MAX_AGE);
  EXPECT_EQ(watcher.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace onhook
