#include <gmock/gmock.h>

#include "gateway/delivery/cursor.h"
#include "gateway/delivery/proto_time.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;

class EventLookupTest : public DeliveryFixture {
 protected:
  grpc::Status Get(const std::string& event_id) {
    grpc::ClientContext context;
    LimitTime(context);
    v1::GetEventRequest request;
    request.set_event_id(event_id);
    return stub_->GetEvent(&context, request, &got_);
  }
  grpc::Status List(const v1::ListEventsRequest& request) {
    grpc::ClientContext context;
    LimitTime(context);
    return stub_->ListEvents(&context, request, &listed_);
  }
  std::vector<std::string> ListedCalls() const {
    std::vector<std::string> calls;
    for (const auto& stored : listed_.stored_events()) {
      calls.push_back(stored.event().call_serial_no());
    }
    return calls;
  }

  v1::GetEventResponse got_;
  v1::ListEventsResponse listed_;
};

TEST_F(EventLookupTest, AnEventIsFoundByItsId) {
  Append("a");
  const Sequence sequence = Append("call b");
  ASSERT_TRUE(Get(EventId(EventDigest("default", {}), "call b")).ok());
  EXPECT_EQ(got_.stored_event().event().call_serial_no(), "call b");
  EXPECT_EQ(got_.stored_event().cursor(), FormatCursor(store_->store_id(), sequence));
  EXPECT_GT(got_.stored_event().stored_at().seconds(), 0);
}

TEST_F(EventLookupTest, TheBodyComesWithOneEventButWithNoList) {
  NewEvent event = EventOfCall("a");
  event.raw_body = std::string("{\"x\":1\0}", 9);
  const std::string body = event.raw_body;
  absl::Notification stored;
  store_->log().Append(std::move(event), [&](const auto&) { stored.Notify(); });
  stored.WaitForNotification();
  Append("without");
  ASSERT_TRUE(Get(EventId(EventDigest("default", {}), "a")).ok());
  EXPECT_EQ(got_.stored_event().raw_body(), body);
  ASSERT_TRUE(Get(EventId(EventDigest("default", {}), "without")).ok());
  EXPECT_FALSE(got_.stored_event().has_raw_body());
  v1::ListEventsRequest request;
  request.set_call_serial_no("a");
  ASSERT_TRUE(List(request).ok());
  EXPECT_FALSE(listed_.stored_events(0).has_raw_body());
}

TEST_F(EventLookupTest, AnUnknownIdIsNotFoundAndAWrongOneIsRefused) {
  EXPECT_EQ(Get(EventId(EventDigest("default", {}), "a")).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Get("a").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(EventLookupTest, ACallIsListedAndAnUnknownOneIsAnEmptyList) {
  Append("a");
  Append("b");
  v1::ListEventsRequest request;
  request.set_call_serial_no("b");
  ASSERT_TRUE(List(request).ok());
  EXPECT_THAT(ListedCalls(), ElementsAre("b"));
  request.set_call_serial_no("c");
  ASSERT_TRUE(List(request).ok());
  EXPECT_EQ(listed_.stored_events_size(), 0);
}

TEST_F(EventLookupTest, PagesJoinWithoutGapOrRepetition) {
  const absl::Time start = clock_.Now();
  for (const char* call : {"a", "b", "c"}) Append(call);
  v1::ListEventsRequest request;
  *request.mutable_received_from() = ToProto(start);
  request.set_page_size(2);
  ASSERT_TRUE(List(request).ok());
  EXPECT_THAT(ListedCalls(), ElementsAre("a", "b"));
  request.set_page_token(listed_.next_page_token());
  ASSERT_TRUE(List(request).ok());
  EXPECT_THAT(ListedCalls(), ElementsAre("c"));
  EXPECT_EQ(listed_.next_page_token(), "");
}

TEST_F(EventLookupTest, APageIsBoundedInBytes) {
  const absl::Time start = clock_.Now();
  call_data_ = std::string(60 << 10, 'x');
  for (int i = 0; i < 60; ++i) Append(absl::StrCat("call-", i));
  v1::ListEventsRequest request;
  *request.mutable_received_from() = ToProto(start);
  ASSERT_TRUE(List(request).ok());
  EXPECT_LT(listed_.stored_events_size(), 60);
  EXPECT_NE(listed_.next_page_token(), "");
}

// Which then never owed them, and says so at once.
TEST_F(EventLookupTest, ACallFromBeforeASubscriptionIsFoundAndListed) {
  Append("a");
  NewEvent update = EventOfCall("a");
  update.digest = EventDigest("another", {});
  absl::Notification stored;
  store_->log().Append(std::move(update), [&](const auto&) { stored.Notify(); });
  stored.WaitForNotification();
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_LATEST);
  ASSERT_TRUE(store_->CreateSubscription("late", spec).ok());
  ASSERT_TRUE(Get(EventId(EventDigest("default", {}), "a")).ok());
  EXPECT_EQ(got_.stored_event().timelines_size(), 0);
  v1::ListEventsRequest request;
  request.set_call_serial_no("a");
  ASSERT_TRUE(List(request).ok());
  EXPECT_EQ(listed_.stored_events_size(), 2);
}

TEST_F(EventLookupTest, WrongListRequestsAreRefused) {
  v1::ListEventsRequest unconditional;
  EXPECT_EQ(List(unconditional).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::ListEventsRequest request;
  request.set_call_serial_no("a");
  request.set_page_size(1001);
  EXPECT_EQ(List(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_page_size(1);
  request.set_page_token("nonsense");
  EXPECT_EQ(List(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_page_token(FormatCursor("0123456789abcdef", 1));
  EXPECT_EQ(List(request).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace onhook
