#include "gateway/delivery/grpc_status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "gateway/delivery/rpc_status.pb.h"

namespace onhook {
namespace {

constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";

grpc::StatusCode ToGrpcCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return grpc::StatusCode::OK;
    case absl::StatusCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case absl::StatusCode::kUnknown:
      return grpc::StatusCode::UNKNOWN;
    case absl::StatusCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case absl::StatusCode::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case absl::StatusCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case absl::StatusCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case absl::StatusCode::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case absl::StatusCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case absl::StatusCode::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case absl::StatusCode::kAborted:
      return grpc::StatusCode::ABORTED;
    case absl::StatusCode::kOutOfRange:
      return grpc::StatusCode::OUT_OF_RANGE;
    case absl::StatusCode::kUnimplemented:
      return grpc::StatusCode::UNIMPLEMENTED;
    case absl::StatusCode::kInternal:
      return grpc::StatusCode::INTERNAL;
    case absl::StatusCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case absl::StatusCode::kDataLoss:
      return grpc::StatusCode::DATA_LOSS;
    case absl::StatusCode::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      break;
  }
  return grpc::StatusCode::UNKNOWN;
}

absl::Status WithPayload(absl::Status status, absl::string_view type_url,
                         const google::protobuf::MessageLite& payload) {
  status.SetPayload(type_url, absl::Cord(payload.SerializeAsString()));
  return status;
}

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const std::map<std::string, std::string>& metadata) {
  internal::ErrorInfo info;
  info.set_reason(reason.data(), reason.size());
  info.set_domain("onhook");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  return WithPayload(std::move(status), kErrorInfoUrl, info);
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  internal::BadRequest bad_request;
  internal::BadRequest::FieldViolation* violation = bad_request.add_field_violations();
  violation->set_field(field.data(), field.size());
  violation->set_description(description.data(), description.size());
  return WithPayload(absl::InvalidArgumentError(absl::StrCat(field, ": ", description)),
                     kBadRequestUrl, bad_request);
}

absl::Status GoingAway() {
  return WithReason(absl::UnavailableError("the gateway ends this call as planned; reconnect"),
                    kReasonGoingAway);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (!status.GetPayload(kErrorInfoUrl).has_value()) {
    return ToGrpcStatus(WithReason(status, absl::StatusCodeToString(status.code())));
  }
  const grpc::StatusCode code = ToGrpcCode(status.code());
  const std::string message(status.message());
  internal::RpcStatus rpc_status;
  rpc_status.set_code(code);
  rpc_status.set_message(message);
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    google::protobuf::Any* detail = rpc_status.add_details();
    detail->set_type_url(type_url.data(), type_url.size());
    detail->set_value(std::string(payload));
  });
  return grpc::Status(code, message, rpc_status.SerializeAsString());
}

}  // namespace onhook
