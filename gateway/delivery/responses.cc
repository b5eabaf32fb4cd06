#include "gateway/delivery/responses.h"

#include <google/protobuf/arena.h>
#include <grpcpp/support/slice.h>

#include "gateway/delivery/cursor.h"
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

template <typename Carrier>
void SetEvent(const std::string& bytes, bool shows_numbers, Carrier& carrier) {
  if (shows_numbers) {
    carrier.set_event(bytes);
  } else {
    carrier.set_event(BytesWithoutNumbers(bytes));
  }
}

}  // namespace

grpc::ByteBuffer EncodeOpened(const v1::SubscribeOpened& opened) {
  WireSubscribeResponse response;
  *response.mutable_opened() = opened;
  return Encode(response);
}

grpc::ByteBuffer EncodeDeliveries(const std::vector<Lease>& leases, const std::string& store_id,
                                  bool shows_numbers) {
  google::protobuf::Arena arena;
  auto* response = google::protobuf::Arena::CreateMessage<WireSubscribeResponse>(&arena);
  for (const Lease& lease : leases) {
    internal::WireDelivery* delivery = response->mutable_deliveries()->add_deliveries();
    delivery->set_delivery_id(lease.delivery_id);
    SetEvent(lease.event->event, shows_numbers, *delivery);
    delivery->set_cursor(FormatCursor(store_id, lease.event->sequence));
    delivery->set_attempt(lease.attempt);
    delivery->set_redelivery_reason(lease.reason);
    *delivery->mutable_ack_deadline() = ToProto(lease.ack_deadline);
  }
  return Encode(*response);
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

grpc::ByteBuffer EncodeSubscribeHeartbeat() {
  WireSubscribeResponse response;
  response.mutable_heartbeat();
  return Encode(response);
}

grpc::ByteBuffer EncodeSubscribeGoAway(const v1::GoAway& go_away) {
  WireSubscribeResponse response;
  *response.mutable_go_away() = go_away;
  return Encode(response);
}

grpc::ByteBuffer EncodeWatchEvents(const std::vector<LogEventPtr>& events,
                                   const std::string& store_id, bool shows_numbers) {
  google::protobuf::Arena arena;
  auto* response = google::protobuf::Arena::CreateMessage<WireWatchResponse>(&arena);
  for (const LogEventPtr& event : events) {
    internal::WireWatchedEvent* watched = response->mutable_events()->add_events();
    SetEvent(event->event, shows_numbers, *watched);
    watched->set_cursor(FormatCursor(store_id, event->sequence));
  }
  return Encode(*response);
}

grpc::ByteBuffer EncodeWatchHeartbeat(const std::string& cursor) {
  WireWatchResponse response;
  response.mutable_heartbeat()->set_cursor(cursor);
  return Encode(response);
}

grpc::ByteBuffer EncodeWatchGoAway(const v1::GoAway& go_away) {
  WireWatchResponse response;
  *response.mutable_go_away() = go_away;
  return Encode(response);
}

}  // namespace onhook
