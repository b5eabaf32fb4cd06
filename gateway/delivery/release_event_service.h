#ifndef ONHOOK_GATEWAY_DELIVERY_RELEASE_EVENT_SERVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_RELEASE_EVENT_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "gateway/delivery/call_authorization.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/event_lookup.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// The streams' messages pass as bytes, because they are encoded from events that are bytes already.
using ReleaseEventServiceBase = v1::ReleaseEventService::WithRawCallbackMethod_Subscribe<
    v1::ReleaseEventService::WithRawCallbackMethod_Watch<
        v1::ReleaseEventService::WithCallbackMethod_GetEvent<
            v1::ReleaseEventService::WithCallbackMethod_ListEvents<
                v1::ReleaseEventService::Service>>>>;

// The gRPC service ReleaseEventService: one reactor for each call.
//
// Threads: gRPC's. Blocking: never.
class ReleaseEventServiceImpl final : public ReleaseEventServiceBase {
 public:
  // `environment` must outlive the service.
  explicit ReleaseEventServiceImpl(const StreamEnvironment* environment);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Subscribe(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const v1::GetEventRequest* request,
                                     v1::GetEventResponse* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  std::unique_ptr<CallAuthorization> AuthorizationOf(
      absl::string_view method, const grpc::CallbackServerContext& context) const;
  // Gives it to the registry.
  absl::Status Keep(const std::shared_ptr<DeliveryStream>& stream) const;

  const StreamEnvironment* const environment_;
  const EventLookup lookup_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_RELEASE_EVENT_SERVICE_H_
