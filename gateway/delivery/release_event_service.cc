#include "gateway/delivery/release_event_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/reached_store.h"
#include "gateway/delivery/refused_stream.h"
#include "gateway/delivery/stream_registry.h"
#include "gateway/delivery/subscribe_open.h"
#include "gateway/delivery/subscribe_stream.h"
#include "gateway/delivery/unary_call.h"
#include "gateway/delivery/watch_stream.h"

namespace onhook {
namespace {

absl::StatusOr<v1::WatchRequest> ParseWatchRequest(grpc::ByteBuffer bytes) {
  v1::WatchRequest request;
  if (!grpc::SerializationTraits<v1::WatchRequest>::Deserialize(&bytes, &request).ok()) {
    return InvalidField("request", "is not a WatchRequest");
  }
  const absl::Status name = CheckConsumerName("consumer_name", request.consumer_name());
  if (!name.ok()) return name;
  if (const auto fault = FindFilterFault(request.filter())) {
    return InvalidField(absl::StrCat("filter.", fault->field), fault->description);
  }
  return request;
}

}  // namespace

ReleaseEventServiceImpl::ReleaseEventServiceImpl(const StreamEnvironment* environment)
    : environment_(environment), lookup_(environment->store) {}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ReleaseEventServiceImpl::Subscribe(
    grpc::CallbackServerContext* context) {
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;
  auto authorization = AuthorizationOf("/onhook.v1.ReleaseEventService/Subscribe", *context);
  if (absl::Status allowed = authorization->Check(); !allowed.ok())
    return RefuseStream<Reactor>(allowed);
  if (absl::Status reached = CheckReached(*environment_->store); !reached.ok())
    return RefuseStream<Reactor>(reached);
  auto stream = std::make_shared<SubscribeStream>(environment_, context, std::move(authorization));
  if (absl::Status added = Keep(stream); !added.ok()) return RefuseStream<Reactor>(added);
  stream->Start();
  return stream.get();  // the registry owns it until OnDone
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ReleaseEventServiceImpl::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  using Reactor = grpc::ServerWriteReactor<grpc::ByteBuffer>;
  auto authorization = AuthorizationOf("/onhook.v1.ReleaseEventService/Watch", *context);
  if (absl::Status allowed = authorization->Check(); !allowed.ok())
    return RefuseStream<Reactor>(allowed);
  if (absl::Status reached = CheckReached(*environment_->store); !reached.ok())
    return RefuseStream<Reactor>(reached);
  const absl::StatusOr<v1::WatchRequest> parsed = ParseWatchRequest(*request);
  if (!parsed.ok()) return RefuseStream<Reactor>(parsed.status());
  auto stream = std::make_shared<WatchStream>(environment_, context, std::move(authorization),
                                              *parsed, EventFilter(parsed->filter()));
  if (absl::Status added = Keep(stream); !added.ok()) return RefuseStream<Reactor>(added);
  stream->Start(*parsed);
  return stream.get();  // the registry owns it until OnDone
}

grpc::ServerUnaryReactor* ReleaseEventServiceImpl::GetEvent(grpc::CallbackServerContext* context,
                                                            const v1::GetEventRequest* request,
                                                            v1::GetEventResponse* response) {
  const UnaryCall call{environment_, context, "/onhook.v1.ReleaseEventService/GetEvent",
                       std::nullopt, response};
  return AnswerWhenDone(call, [this, request, response](CallDone done) {
    lookup_.Get(*request, response, std::move(done));
  });
}

grpc::ServerUnaryReactor* ReleaseEventServiceImpl::ListEvents(grpc::CallbackServerContext* context,
                                                              const v1::ListEventsRequest* request,
                                                              v1::ListEventsResponse* response) {
  const UnaryCall call{environment_, context, "/onhook.v1.ReleaseEventService/ListEvents",
                       std::nullopt, response};
  return AnswerWhenDone(call, [this, request, response](CallDone done) {
    lookup_.List(*request, response, std::move(done));
  });
}

std::unique_ptr<CallAuthorization> ReleaseEventServiceImpl::AuthorizationOf(
    absl::string_view method, const grpc::CallbackServerContext& context) const {
  return std::make_unique<CallAuthorization>(environment_->authorization(), method, context);
}

absl::Status ReleaseEventServiceImpl::Keep(const std::shared_ptr<DeliveryStream>& stream) const {
  absl::Status added = environment_->registry->Add(stream);
  if (absl::IsResourceExhausted(added) && environment_->refusals != nullptr) {
    environment_->refusals->Note(added, stream->method(), stream->identity());
  }
  return added;
}

}  // namespace onhook
