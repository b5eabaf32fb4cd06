#include "gateway/delivery/server_bounds.h"

#include <grpc/grpc.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace onhook {
namespace {

// A peer that died without a word is found after the sum of these, and its deliveries go elsewhere.
constexpr absl::Duration kKeepaliveTime = absl::Seconds(20);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// Clients may ping this often; more often is taken for abuse.
constexpr absl::Duration kShortestPingInterval = absl::Seconds(10);
// Of reflection's calls, each of which holds a thread. All others are answered without one.
constexpr int kMostThreads = 16;
// What a stream's last writes and its end take beyond its deadlines.
constexpr absl::Duration kEndAllowance = absl::Seconds(10);

// gRPC takes what is too long for it as never.
int Milliseconds(absl::Duration duration) {
  const int64_t longest = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(absl::ToInt64Milliseconds(duration), longest));
}

}  // namespace

absl::Duration ConnectionAgeGrace(const DeliveryOptions& options) {
  return options.max_stream_age * 1.1 + options.handover_time + options.drain_timeout +
         kEndAllowance;
}

void SetBounds(const DeliveryOptions& options, grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kShortestPingInterval));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(options.idle_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             Milliseconds(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Milliseconds(ConnectionAgeGrace(options)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);

  grpc::ResourceQuota quota("onhook");
  quota.Resize(static_cast<size_t>(options.memory_quota));
  quota.SetMaxThreads(kMostThreads);
  builder.SetResourceQuota(quota);
  // Otherwise as many as there are processors, each with a thread, perhaps more than the quota has.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
}

}  // namespace onhook
