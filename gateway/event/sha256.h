#ifndef ONHOOK_GATEWAY_EVENT_SHA256_H_
#define ONHOOK_GATEWAY_EVENT_SHA256_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

constexpr size_t kSha256Size = 32;

// SHA-256 of `text`, kSha256Size bytes. A pure function. Threads: any. Blocking: never. Errors:
// none.
std::string Sha256(absl::string_view text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_SHA256_H_
