#include "gateway/access/permission.h"

namespace onhook {

absl::string_view PermissionName(Permission permission) {
  switch (permission) {
    case Permission::kSubscribe:
      return "subscribe";
    case Permission::kCreate:
      return "create";
    case Permission::kAdminister:
      return "administer";
    case Permission::kWatch:
      return "watch";
    case Permission::kReadEvents:
      return "read_events";
    case Permission::kRejectedCallbacks:
      return "rejected_callbacks";
    case Permission::kSeeNumbers:
      return "see_numbers";
    case Permission::kMonitor:
      return "monitor";
  }
  return "unknown";
}

bool IsOfSubscriptions(Permission permission) {
  return permission == Permission::kSubscribe || permission == Permission::kCreate ||
         permission == Permission::kAdminister;
}

}  // namespace onhook
