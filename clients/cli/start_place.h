#ifndef ONHOOK_CLIENTS_CLI_START_PLACE_H_
#define ONHOOK_CLIENTS_CLI_START_PLACE_H_

#include <google/protobuf/timestamp.pb.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::cli {

// Places in the log as a person writes them. Errors: kInvalidArgument, with a message that
// completes
// "--flag ...". Threads: any. Blocking: never.

// A moment: a time of RFC 3339 with its zone, or an age ("10m", "7d"), which means so long before
// `now`.
absl::StatusOr<google::protobuf::Timestamp> ParseMoment(absl::string_view text, absl::Time now);

// Sets where `request` begins: "earliest", "latest" or a moment.
absl::Status SetStart(absl::string_view from, absl::Time now, v1::WatchRequest& request);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_START_PLACE_H_
