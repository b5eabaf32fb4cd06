#ifndef ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_ID_H_
#define ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_ID_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// How clients name a dead letter: `d1-<store_id>-<number>`, opaque to them. It names the store
// because a number alone would silently mean another event after a restore.

std::string FormatDeadLetterId(absl::string_view store_id, int64_t id);

// Nothing for what FormatDeadLetterId never gives for this store.
std::optional<int64_t> ParseDeadLetterId(absl::string_view text, absl::string_view store_id);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_ID_H_
