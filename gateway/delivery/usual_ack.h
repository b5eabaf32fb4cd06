#ifndef ONHOOK_GATEWAY_DELIVERY_USUAL_ACK_H_
#define ONHOOK_GATEWAY_DELIVERY_USUAL_ACK_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <optional>

#include "gateway/store/subscription_queue.h"

namespace onhook {

// An AckRequest, as it came within its SubscribeRequest.
struct UsualAck {
  uint64_t request_id = 0;
  SettleRequest request;
};

// Reads a SubscribeRequest that is an ack as clients write it: nothing beside the known fields,
// plain ASCII ids, no more of them than may be. Nothing: it is anything else, for generated code to
// read and judge.
//
// Why: acks are as many as events, for each subscription, and generated code makes two objects of
// each id before it can be taken over.
//
// Threads: any. Blocking: never.
std::optional<UsualAck> ReadUsualAck(const grpc::ByteBuffer& message);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_USUAL_ACK_H_
