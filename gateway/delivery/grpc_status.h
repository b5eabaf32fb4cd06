#ifndef ONHOOK_GATEWAY_DELIVERY_GRPC_STATUS_H_
#define ONHOOK_GATEWAY_DELIVERY_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook {

// How an error of the gateway reaches a gRPC client: the one table from absl::Status to
// grpc::Status. Details travel inside the absl::Status as payloads under the type URLs of
// google.rpc, so that whoever finds an error can say more about it without knowing gRPC.
//
// Threads: any. Blocking: never.

// Reasons that clients act upon; any other error has its code's name for a reason.
inline constexpr absl::string_view kReasonGoingAway = "GOING_AWAY";
inline constexpr absl::string_view kReasonTooManyStreams = "TOO_MANY_STREAMS";
inline constexpr absl::string_view kReasonForeignCursor = "FOREIGN_CURSOR";
inline constexpr absl::string_view kReasonCursorAhead = "CURSOR_AHEAD";
inline constexpr absl::string_view kReasonCursorExpired = "CURSOR_EXPIRED";
inline constexpr absl::string_view kReasonSubscriptionDeleted = "SUBSCRIPTION_DELETED";
inline constexpr absl::string_view kReasonDeclaredInSettings = "DECLARED_IN_SETTINGS";
inline constexpr absl::string_view kReasonSpecDiffers = "SPEC_DIFFERS";
inline constexpr absl::string_view kReasonTooManyConnections = "TOO_MANY_CONNECTIONS";
inline constexpr absl::string_view kReasonBackupUnderWay = "BACKUP_UNDER_WAY";
inline constexpr absl::string_view kReasonUnauthenticated = "UNAUTHENTICATED";
inline constexpr absl::string_view kReasonPermissionDenied = "PERMISSION_DENIED";

// `status`, which must not be OK, with google.rpc.ErrorInfo.
absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const std::map<std::string, std::string>& metadata = {});

// kInvalidArgument with google.rpc.BadRequest: `field` is its path in the request, `description`
// what is wrong, without repeating the value.
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// The planned end of a call or a server: kUnavailable, reason GOING_AWAY.
absl::Status GoingAway();

// OK stays OK. Anything else becomes a google.rpc.Status in the trailer, always with ErrorInfo of
// domain "onhook".
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_GRPC_STATUS_H_
