#ifndef ONHOOK_CLIENTS_CPP_GRPC_STATUS_H_
#define ONHOOK_CLIENTS_CPP_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook::client {

// The same status in Abseil's type: code and message as they are, an ErrorInfo among the details
// kept for ErrorReason. A code outside the known ones becomes kUnknown.
absl::Status FromGrpcStatus(const grpc::Status& status);

// An error of this side, with a reason as the gateway's have one.
absl::Status LocalError(absl::StatusCode code, absl::string_view message, absl::string_view reason);

// The same status with one more detail for ErrorMetadata. OK stays OK.
absl::Status WithMetadata(absl::Status status, absl::string_view name, absl::string_view value);

// Whether a stream that ended so is worth opening again: the gateway restarts, drains, is at a
// limit or had a fault, or the connection was lost. What no repetition can mend is not.
bool IsTransient(const absl::Status& status);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_GRPC_STATUS_H_
