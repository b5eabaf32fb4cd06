#include "gateway/delivery/responses.h"

#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/wire_responses.pb.h"

namespace onhook {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;

template <typename Message>
Message Parsed(grpc::ByteBuffer bytes) {
  Message message;
  EXPECT_TRUE(grpc::SerializationTraits<Message>::Deserialize(&bytes, &message).ok());
  return message;
}

LogEventPtr EventAt(Sequence sequence, v1::ReleaseEvent& event) {
  event.set_call_serial_no("call-1");
  (*event.mutable_extra())["unknown"] = "kept";
  auto stored = std::make_shared<LogEvent>();
  stored->sequence = sequence;
  stored->event = event.SerializeAsString();
  return stored;
}

// Every field of `wire` has the number, name, label and type of the one in `real`, but for `event`.
void ExpectMirror(const Descriptor* wire, const Descriptor* real) {
  ASSERT_EQ(wire->field_count(), real->field_count()) << wire->full_name();
  for (int i = 0; i < wire->field_count(); ++i) {
    const FieldDescriptor* const mirrored = wire->field(i);
    const FieldDescriptor* const original = real->FindFieldByNumber(mirrored->number());
    ASSERT_NE(original, nullptr) << mirrored->full_name();
    EXPECT_EQ(mirrored->name(), original->name());
    EXPECT_EQ(mirrored->label(), original->label());
    if (mirrored->type() == FieldDescriptor::TYPE_BYTES) {
      EXPECT_EQ(original->message_type(), v1::ReleaseEvent::descriptor());
      continue;
    }
    ASSERT_EQ(mirrored->type(), original->type());
    if (mirrored->message_type() != original->message_type()) {
      ExpectMirror(mirrored->message_type(), original->message_type());
    }
    EXPECT_EQ(mirrored->enum_type(), original->enum_type());
  }
}

TEST(ResponsesTest, TheWireMessagesMirrorThePublicOnesFieldByField) {
  ExpectMirror(internal::WireSubscribeResponse::descriptor(), v1::SubscribeResponse::descriptor());
  ExpectMirror(internal::WireWatchResponse::descriptor(), v1::WatchResponse::descriptor());
}

TEST(ResponsesTest, OpenedReadsAsWritten) {
  v1::SubscribeResponse expected;
  expected.mutable_opened()->set_max_outstanding_events(5);
  expected.mutable_opened()->set_store_id("0123456789abcdef");
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::SubscribeResponse>(EncodeOpened(expected.opened())), expected));
}

TEST(ResponsesTest, DeliveriesReadAsWritten) {
  v1::SubscribeResponse expected;
  v1::Delivery* delivery = expected.mutable_deliveries()->add_deliveries();
  delivery->set_delivery_id("id");
  delivery->set_cursor("c1-0123456789abcdef-7");
  delivery->set_attempt(2);
  delivery->set_redelivery_reason(v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
  delivery->mutable_ack_deadline()->set_seconds(30);
  const Lease lease{"id", EventAt(7, *delivery->mutable_event()), 2,
                    v1::Delivery::REDELIVERY_REASON_STREAM_LOST, absl::Seconds(30)};
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::SubscribeResponse>(EncodeDeliveries({lease}, "0123456789abcdef")), expected));
}

// Larger than the pieces of memory that a message is put together of; and ids, which nobody reckons
// with, longer than all else.
TEST(ResponsesTest, ManyDeliveriesReadAsWritten) {
  v1::SubscribeResponse expected;
  std::vector<Lease> leases;
  for (const size_t size : {0, 100, 70'000, 1, 200'000, 30'000, 30'000, 30'000}) {
    v1::Delivery* delivery = expected.mutable_deliveries()->add_deliveries();
    delivery->set_delivery_id(std::string(1000, 'i'));
    delivery->set_cursor(absl::StrCat("c1-0123456789abcdef-", 7 + leases.size()));
    delivery->set_attempt(1);
    delivery->mutable_ack_deadline()->set_nanos(5'000'000);
    (*delivery->mutable_event()->mutable_extra())["size"] = std::string(size, 'x');
    leases.push_back({delivery->delivery_id(),
                      EventAt(static_cast<Sequence>(7 + leases.size()), *delivery->mutable_event()),
                      1, v1::Delivery::REDELIVERY_REASON_UNSPECIFIED, absl::Milliseconds(5)});
  }
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::SubscribeResponse>(EncodeDeliveries(leases, "0123456789abcdef")), expected));
}

TEST(ResponsesTest, AckResultsReadAsWritten) {
  v1::SubscribeResponse expected;
  expected.mutable_ack_results()->set_request_id(3);
  auto* exception = expected.mutable_ack_results()->add_exceptions();
  exception->set_delivery_id("b");
  exception->set_result(v1::AckResults::RESULT_RETRY_LATER);
  EXPECT_TRUE(MessageDifferencer::Equals(Parsed<v1::SubscribeResponse>(EncodeAckResults(
                                             3, {"a", "b"}, {{1, SettleError::kRetryLater}})),
                                         expected));
}

TEST(ResponsesTest, ALongDeliveryIdIsCutBetweenCharacters) {
  const std::string long_id = std::string(63, 'x') + "\xE9\x80\x9A";
  const auto response =
      Parsed<v1::SubscribeResponse>(EncodeAckResults(3, {long_id}, {{0, SettleError::kUnknown}}));
  EXPECT_EQ(response.ack_results().exceptions(0).delivery_id(), std::string(63, 'x'));
}

TEST(ResponsesTest, SubscribeHeartbeatAndGoAwayReadAsWritten) {
  const auto alive = Parsed<v1::SubscribeResponse>(EncodeSubscribeHeartbeat(absl::Seconds(15)));
  EXPECT_EQ(alive.heartbeat().interval().seconds(), 15);
  v1::GoAway go_away;
  go_away.set_reason(v1::GoAway::REASON_MAX_AGE);
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::SubscribeResponse>(EncodeSubscribeGoAway(go_away)).go_away(), go_away));
}

TEST(ResponsesTest, WatchMessagesReadAsWritten) {
  v1::WatchResponse expected;
  v1::WatchedEvent* watched = expected.mutable_events()->add_events();
  watched->set_cursor("c1-0123456789abcdef-7");
  const LogEventPtr event = EventAt(7, *watched->mutable_event());
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::WatchResponse>(EncodeWatchEvents({event}, "0123456789abcdef")), expected));
  const auto alive_watch = Parsed<v1::WatchResponse>(EncodeWatchHeartbeat("c", absl::Seconds(2)));
  EXPECT_EQ(alive_watch.heartbeat().cursor(), "c");
  EXPECT_EQ(alive_watch.heartbeat().interval().seconds(), 2);
  v1::GoAway go_away;
  go_away.set_reason(v1::GoAway::REASON_SHUTDOWN);
  EXPECT_TRUE(MessageDifferencer::Equals(
      Parsed<v1::WatchResponse>(EncodeWatchGoAway(go_away)).go_away(), go_away));
}

}  // namespace
}  // namespace onhook
