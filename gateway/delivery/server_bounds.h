#ifndef ONHOOK_GATEWAY_DELIVERY_SERVER_BOUNDS_H_
#define ONHOOK_GATEWAY_DELIVERY_SERVER_BOUNDS_H_

#include <grpcpp/server_builder.h>

#include "absl/time/time.h"
#include "gateway/config/delivery_options.h"

namespace onhook {

// How long streams may stay on a connection that has reached its age: longer than any stream lives
// by its own rules, since gRPC ends those without a word that are left.
absl::Duration ConnectionAgeGrace(const DeliveryOptions& options);

// What gRPC itself keeps within bounds: memory, threads, messages, metadata, calls of a connection,
// its handshake, its idleness, its age, and pings.
void SetBounds(const DeliveryOptions& options, grpc::ServerBuilder& builder);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SERVER_BOUNDS_H_
