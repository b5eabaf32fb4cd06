#ifndef ONHOOK_GATEWAY_DELIVERY_NUMBERED_ID_H_
#define ONHOOK_GATEWAY_DELIVERY_NUMBERED_ID_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// How clients name what a store numbers: `<kind>-<store_id>-<number>`, opaque to them. It names the
// store because a number alone would silently mean another thing after a restore.

inline constexpr absl::string_view kDeadLetterKind = "d1";
inline constexpr absl::string_view kRejectedCallbackKind = "r1";

std::string FormatNumberedId(absl::string_view kind, absl::string_view store_id, int64_t number);

// Nothing for what FormatNumberedId never gives for this kind and store. Numbers begin with 1.
std::optional<int64_t> ParseNumberedId(absl::string_view text, absl::string_view kind,
                                       absl::string_view store_id);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_NUMBERED_ID_H_
