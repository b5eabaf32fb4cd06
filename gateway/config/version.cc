#include "gateway/config/version.h"

namespace onhook {

absl::string_view Version() { return ONHOOK_VERSION; }

}  // namespace onhook
