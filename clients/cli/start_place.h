#ifndef ONHOOK_CLIENTS_CLI_START_PLACE_H_
#define ONHOOK_CLIENTS_CLI_START_PLACE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::cli {

// Sets where `request` begins: "earliest", "latest", a time of RFC 3339 with its zone, or a
// duration ("10m"), which means so long before `now`. kInvalidArgument: anything else.
absl::Status SetStart(absl::string_view from, absl::Time now, v1::WatchRequest& request);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_START_PLACE_H_
