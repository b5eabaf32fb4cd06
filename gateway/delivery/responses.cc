#include "gateway/delivery/responses.h"

#include <grpcpp/support/slice.h>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/events_message.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/shown_event.h"
#include "gateway/delivery/wire_responses.pb.h"

namespace onhook {
namespace {

using internal::WireSubscribeResponse;
using internal::WireWatchResponse;

constexpr size_t kLongestDeliveryIdTold = 64;

// Serialised straight into the memory that gRPC sends.
grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) {
  grpc_slice raw = grpc_slice_malloc(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(raw));
  const grpc::Slice slice(raw, grpc::Slice::STEAL_REF);
  return grpc::ByteBuffer(&slice, 1);
}

v1::AckResults::Result ToProto(SettleError error) {
  switch (error) {
    case SettleError::kStale:
      return v1::AckResults::RESULT_STALE;
    case SettleError::kUnknown:
      return v1::AckResults::RESULT_UNKNOWN;
    case SettleError::kRetryLater:
      return v1::AckResults::RESULT_RETRY_LATER;
  }
  return v1::AckResults::RESULT_UNSPECIFIED;
}

// The longest prefix of at most `max` bytes that does not cut a character in two.
std::string Shortened(const std::string& text, size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;
  return text.substr(0, max);
}

// Cursors, one after the other in the same memory.
class CursorText {
 public:
  explicit CursorText(const std::string& store_id) : text_(FormatCursor(store_id, 0)) {}
  const std::string& At(Sequence sequence) {
    text_.resize(text_.rfind('-') + 1);
    absl::StrAppend(&text_, sequence);
    return text_;
  }

 private:
  std::string text_;
};

// An event as the stream's caller may see it; what is masked is kept in `masked`.
const std::string& Shown(const LogEvent& event, bool shows_numbers, std::string& masked) {
  if (shows_numbers) return event.event;
  masked = BytesWithoutNumbers(event.event);
  return masked;
}

}  // namespace

grpc::ByteBuffer EncodeOpened(const v1::SubscribeOpened& opened) {
  WireSubscribeResponse response;
  *response.mutable_opened() = opened;
  return Encode(response);
}

grpc::ByteBuffer EncodeDeliveries(const std::vector<Lease>& leases, const std::string& store_id,
                                  bool shows_numbers) {
  size_t about = 0;
  for (const Lease& lease : leases) {
    about += lease.event->event.size() + EventsMessage::kUsuallyBeside;
  }
  EventsMessage message(about);
  CursorText cursor(store_id);
  std::string masked;
  internal::WireDelivery delivery;
  absl::Duration deadline_said;
  for (const Lease& lease : leases) {
    delivery.set_delivery_id(lease.delivery_id);
    delivery.set_cursor(cursor.At(lease.event->sequence));
    delivery.set_attempt(lease.attempt);
    delivery.set_redelivery_reason(lease.reason);
    if (!delivery.has_ack_deadline() || deadline_said != lease.ack_deadline) {
      deadline_said = lease.ack_deadline;
      *delivery.mutable_ack_deadline() = ToProto(deadline_said);
    }
    message.Add(internal::WireDeliveries::kDeliveriesFieldNumber, delivery,
                Shown(*lease.event, shows_numbers, masked));
  }
  return message.AsField(WireSubscribeResponse::kDeliveriesFieldNumber);
}

grpc::ByteBuffer EncodeAckResults(uint64_t request_id, const std::vector<std::string>& delivery_ids,
                                  const std::vector<SettleException>& exceptions) {
  WireSubscribeResponse response;
  v1::AckResults* results = response.mutable_ack_results();
  results->set_request_id(request_id);
  for (const SettleException& exception : exceptions) {
    v1::AckResults::Exception* told = results->add_exceptions();
    told->set_delivery_id(Shortened(delivery_ids[exception.index], kLongestDeliveryIdTold));
    told->set_result(ToProto(exception.error));
  }
  return Encode(response);
}

grpc::ByteBuffer EncodeSubscribeHeartbeat(absl::Duration interval) {
  WireSubscribeResponse response;
  *response.mutable_heartbeat()->mutable_interval() = ToProto(interval);
  return Encode(response);
}

grpc::ByteBuffer EncodeSubscribeGoAway(const v1::GoAway& go_away) {
  WireSubscribeResponse response;
  *response.mutable_go_away() = go_away;
  return Encode(response);
}

grpc::ByteBuffer EncodeWatchEvents(const std::vector<LogEventPtr>& events,
                                   const std::string& store_id, bool shows_numbers) {
  size_t about = 0;
  for (const LogEventPtr& event : events) {
    about += event->event.size() + EventsMessage::kUsuallyBeside;
  }
  EventsMessage message(about);
  CursorText cursor(store_id);
  std::string masked;
  internal::WireWatchedEvent watched;
  for (const LogEventPtr& event : events) {
    watched.set_cursor(cursor.At(event->sequence));
    message.Add(internal::WireWatchEvents::kEventsFieldNumber, watched,
                Shown(*event, shows_numbers, masked));
  }
  return message.AsField(WireWatchResponse::kEventsFieldNumber);
}

grpc::ByteBuffer EncodeWatchHeartbeat(const std::string& cursor, absl::Duration interval) {
  WireWatchResponse response;
  response.mutable_heartbeat()->set_cursor(cursor);
  *response.mutable_heartbeat()->mutable_interval() = ToProto(interval);
  return Encode(response);
}

grpc::ByteBuffer EncodeWatchGoAway(const v1::GoAway& go_away) {
  WireWatchResponse response;
  *response.mutable_go_away() = go_away;
  return Encode(response);
}

}  // namespace onhook
