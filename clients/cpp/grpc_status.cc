#include "clients/cpp/grpc_status.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "client_error_detail.pb.h"
#include "onhook/status.h"

namespace onhook::client {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";

wire::ErrorInfo InfoOf(const absl::Status& status) {
  wire::ErrorInfo info;
  if (const auto payload = status.GetPayload(kErrorInfoUrl); payload.has_value()) {
    // What does not parse reads as no information: an error about an error helps nobody.
    if (!info.ParseFromString(std::string(*payload))) info.Clear();
  }
  return info;
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const bool known = status.error_code() >= grpc::StatusCode::CANCELLED &&
                     status.error_code() <= grpc::StatusCode::UNAUTHENTICATED;
  // The two sets of codes have the same numbers.
  const auto code =
      known ? static_cast<absl::StatusCode>(status.error_code()) : absl::StatusCode::kUnknown;
  absl::Status result(code, status.error_message());
  wire::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      if (detail.type_url() == kErrorInfoUrl) {
        result.SetPayload(kErrorInfoUrl, absl::Cord(detail.value()));
      }
    }
  }
  return result;
}

absl::Status LocalError(absl::StatusCode code, absl::string_view message,
                        absl::string_view reason) {
  wire::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("onhook.client");
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status WithMetadata(absl::Status status, absl::string_view name, absl::string_view value) {
  if (status.ok()) return status;
  wire::ErrorInfo info = InfoOf(status);
  (*info.mutable_metadata())[std::string(name)] = std::string(value);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kOutOfRange:
      return false;
    default:  // of which a restart, an end of a drain, a fault, a limit or a lost connection has
              // one
      return true;
  }
}

std::string ErrorReason(const absl::Status& status) { return InfoOf(status).reason(); }

std::string ErrorMetadata(const absl::Status& status, absl::string_view name) {
  const wire::ErrorInfo info = InfoOf(status);
  const auto found = info.metadata().find(std::string(name));
  return found == info.metadata().end() ? std::string() : found->second;
}

std::optional<WatchGap> GapOf(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kOutOfRange) return std::nullopt;
  WatchGap gap;
  gap.oldest_cursor = ErrorMetadata(status, "oldest_cursor");
  if (!absl::SimpleAtoi(ErrorMetadata(status, "events_lost"), &gap.events_lost))
    gap.events_lost = 0;
  return gap;
}

}  // namespace onhook::client
