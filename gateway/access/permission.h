#ifndef ONHOOK_GATEWAY_ACCESS_PERMISSION_H_
#define ONHOOK_GATEWAY_ACCESS_PERMISSION_H_

#include "absl/strings/string_view.h"

namespace onhook {

// What an identity may be allowed to do. The first three are given for subscriptions by the
// patterns of their names, the others are given or not.
enum class Permission {
  kSubscribe,          // receive and settle events of a subscription, and see how it stands
  kCreate,             // create a subscription
  kAdminister,         // change, seek, pause and delete a subscription, and its dead letters
  kWatch,              // read the whole log as it grows
  kReadEvents,         // look up stored events, and who handled them
  kRejectedCallbacks,  // see, judge again and discard what was refused
  kSeeNumbers,         // get telephone numbers, callData and recording paths as they are
  kMonitor,            // read /metrics
};

// As the settings call it: "subscribe", "create", "administer", "watch", "read_events",
// "rejected_callbacks", "see_numbers", "monitor".
absl::string_view PermissionName(Permission permission);

// Whether it is given by patterns of subscription names.
bool IsOfSubscriptions(Permission permission);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_PERMISSION_H_
