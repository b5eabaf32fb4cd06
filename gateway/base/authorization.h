#ifndef ONHOOK_GATEWAY_BASE_AUTHORIZATION_H_
#define ONHOOK_GATEWAY_BASE_AUTHORIZATION_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook {

// The header Authorization (RFC 9110, RFC 6750), which callbacks, subscribers and collectors of
// metrics all may show.
//
// Pure functions. Threads: any.

// What follows `scheme`, "Bearer", in a value of the header; nothing: it is of another scheme. The
// scheme may be in any case, and spaces between the two are no part of either.
std::optional<absl::string_view> CredentialsOf(absl::string_view authorization,
                                               absl::string_view scheme);

// Whether `token` will do as a secret that is sent as "Bearer TOKEN": at least 16 characters, of
// those that the header can carry. Otherwise kInvalidArgument, completing "the token ...", without
// repeating any of it.
absl::Status CheckBearerToken(absl::string_view token);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_AUTHORIZATION_H_
