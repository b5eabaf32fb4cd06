#ifndef ONHOOK_GATEWAY_DELIVERY_RESPONSES_H_
#define ONHOOK_GATEWAY_DELIVERY_RESPONSES_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/subscription_queue.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// Every message that a stream sends, encoded as it goes onto the wire. Events are put in as the
// log keeps them, without being parsed or serialised again, unless they are to
// be masked.
//
// Threads: any. Blocking: never.

grpc::ByteBuffer EncodeOpened(const v1::SubscribeOpened& opened);

// `leases` is not empty, and none of them is corrupt. Without `shows_numbers` each event is parsed,
// masked and serialised again.
grpc::ByteBuffer EncodeDeliveries(const std::vector<Lease>& leases, const std::string& store_id,
                                  bool shows_numbers = true);

// `delivery_ids` is the request's, into which the exceptions point.
grpc::ByteBuffer EncodeAckResults(uint64_t request_id, const std::vector<std::string>& delivery_ids,
                                  const std::vector<SettleException>& exceptions);

// `interval` is how long the stream is silent at most.
grpc::ByteBuffer EncodeSubscribeHeartbeat(absl::Duration interval);
grpc::ByteBuffer EncodeSubscribeGoAway(const v1::GoAway& go_away);

// `events` is not empty, and none of them is corrupt. `shows_numbers` as above.
grpc::ByteBuffer EncodeWatchEvents(const std::vector<LogEventPtr>& events,
                                   const std::string& store_id, bool shows_numbers = true);
grpc::ByteBuffer EncodeWatchHeartbeat(const std::string& cursor, absl::Duration interval);
grpc::ByteBuffer EncodeWatchGoAway(const v1::GoAway& go_away);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_RESPONSES_H_
