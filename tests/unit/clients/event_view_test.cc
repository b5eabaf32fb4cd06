#include "onhook/event_view.h"

#include <gtest/gtest.h>

#include <string>

#include "clients/cpp/grpc_status.h"
#include "onhook/status.h"
#include "onhook/subscription_settings.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {
namespace {

// Of a field that no version has yet: number 1000, a text.
const char kUnknownField[] = "\xC2\x3E\x05later";
constexpr int kUnknownValue = 99;

TEST(EventViewTest, WhatIsUnsetIsNotWhatIsEmpty) {
  v1::ReleaseEvent event;
  event.set_called("");
  const EventView view(event);
  EXPECT_EQ(view.called(), absl::string_view(""));
  EXPECT_EQ(view.caller(), std::nullopt);
  EXPECT_EQ(view.release_time(), std::nullopt);
  EXPECT_EQ(view.talk_duration(), std::nullopt);
  EXPECT_EQ(view.release_reason(), v1::RELEASE_REASON_UNSPECIFIED);
}

TEST(EventViewTest, TimesAndDurationsAreAbseils) {
  const absl::Time time = absl::FromUnixMillis(1'645'553'076'318);
  v1::ReleaseEvent event;
  *event.mutable_release_time() = ToProto(time);
  *event.mutable_talk_duration() = ToProto(absl::Seconds(6));
  EXPECT_EQ(EventView(event).release_time(), time);
  EXPECT_EQ(EventView(event).talk_duration(), absl::Seconds(6));
}

TEST(EventViewTest, TimesBeforeTheEpochAndPartsOfSecondsSurvive) {
  for (const absl::Time time :
       {absl::UnixEpoch(), absl::FromUnixMillis(-1), absl::FromUnixNanos(1'000'000'001)}) {
    EXPECT_EQ(ToTime(ToProto(time)), time);
    EXPECT_GE(ToProto(time).nanos(), 0);
  }
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Milliseconds(-1500), absl::Hours(1) + absl::Nanoseconds(1)}) {
    EXPECT_EQ(ToDuration(ToProto(duration)), duration);
  }
}

TEST(EventViewTest, WhatThisVersionDoesNotKnowSurvivesAndCanBeTold) {
  v1::ReleaseEvent sent;
  sent.set_release_reason(static_cast<v1::ReleaseReason>(kUnknownValue));
  const std::string bytes = sent.SerializeAsString() + kUnknownField;
  v1::ReleaseEvent event;
  ASSERT_TRUE(event.ParseFromString(bytes));
  EXPECT_EQ(static_cast<int>(EventView(event).release_reason()), kUnknownValue);
  EXPECT_EQ(NameOf(EventView(event).release_reason()), "99");
  EXPECT_EQ(EventView(event).message().SerializeAsString(), bytes);
}

TEST(EventViewTest, NamesOfValuesAreWithoutTheirPrefix) {
  EXPECT_EQ(NameOf(v1::RELEASE_REASON_CALLED_HUNG_UP), "CALLED_HUNG_UP");
  EXPECT_EQ(NameOf(v1::AUTHENTICATION_SIGNATURE), "SIGNATURE");
  EXPECT_EQ(NameOf(v1::Delivery::REDELIVERY_REASON_STREAM_LOST), "STREAM_LOST");
  EXPECT_EQ(NameOf(v1::SubscriptionTimeline::STATE_PARKED), "PARKED");
  EXPECT_EQ(NameOf(v1::Delivery::REDELIVERY_REASON_UNSPECIFIED), "UNSPECIFIED");
}

TEST(EventViewTest, TheTraceContextIsACarrier) {
  v1::ReleaseEvent event;
  EXPECT_TRUE(TraceContext(event).empty());
  event.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(TraceContext(event).at("traceparent"), event.traceparent());
}

TEST(WatchGapTest, AGapTellsItsSizeAndWhereToGoOn) {
  const absl::Status status = FromGrpcStatus(
      StatusWithReason(grpc::StatusCode::OUT_OF_RANGE, "no longer kept", "CURSOR_TOO_OLD",
                       {{"events_lost", "12"}, {"oldest_cursor", "c12"}}));
  const auto gap = GapOf(status);
  ASSERT_TRUE(gap.has_value());
  EXPECT_EQ(gap->events_lost, 12);
  EXPECT_EQ(gap->oldest_cursor, "c12");
  EXPECT_EQ(GapOf(absl::NotFoundError("else")), std::nullopt);
  EXPECT_EQ(GapOf(absl::OkStatus()), std::nullopt);
}

TEST(SubscriptionSettingsTest, WhatIsNotSetIsLeftToTheGateway) {
  EXPECT_EQ(SubscriptionSettings().ToProto().SerializeAsString(), "");
}

TEST(SubscriptionSettingsTest, EachMemberIsItsField) {
  SubscriptionSettings settings;
  settings.start_position = v1::START_POSITION_LATEST;
  settings.sources = {"main"};
  settings.service_nos = {"7"};
  settings.release_reason_codes = {"0", "1"};
  settings.ack_deadline = absl::Milliseconds(1500);
  settings.max_delivery_attempts = 5;
  settings.minimum_retry_time = absl::Hours(1);
  settings.max_unacked_events = 10;
  settings.expire_after_unused = absl::Hours(24);
  settings.backlog_age = absl::Hours(2);
  settings.backlog_bytes = 4096;
  const v1::SubscriptionSpec spec = settings.ToProto();
  EXPECT_EQ(spec.start_position(), v1::START_POSITION_LATEST);
  EXPECT_EQ(spec.filter().sources(0), "main");
  EXPECT_EQ(spec.filter().service_nos(0), "7");
  EXPECT_EQ(spec.filter().release_reason_codes_size(), 2);
  EXPECT_EQ(ToDuration(spec.ack_deadline()), absl::Milliseconds(1500));
  EXPECT_EQ(spec.max_delivery_attempts(), 5);
  EXPECT_EQ(ToDuration(spec.minimum_retry_time()), absl::Hours(1));
  EXPECT_EQ(spec.max_unacked_events(), 10);
  EXPECT_EQ(ToDuration(spec.expire_after_unused()), absl::Hours(24));
  EXPECT_EQ(ToDuration(spec.backlog_limit().age()), absl::Hours(2));
  EXPECT_EQ(spec.backlog_limit().bytes(), 4096);
  settings.unlimited_delivery_attempts = true;
  EXPECT_TRUE(settings.ToProto().has_unlimited_delivery_attempts());
}

}  // namespace
}  // namespace onhook::client
