#ifndef ONHOOK_GATEWAY_CONFIG_VERSION_H_
#define ONHOOK_GATEWAY_CONFIG_VERSION_H_

#include "absl/strings/string_view.h"

namespace onhook {

// The version of this build, "0.1.0".
absl::string_view Version();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_VERSION_H_
