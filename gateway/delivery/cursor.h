#ifndef ONHOOK_GATEWAY_DELIVERY_CURSOR_H_
#define ONHOOK_GATEWAY_DELIVERY_CURSOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/store/sequence.h"

namespace onhook {

// A place in one store's log, as clients keep it: `c1-<store_id>-<sequence>`, printable, at most 64
// characters, opaque to them. It names the store because a sequence alone would silently mean
// another event after a restore.

// The cursor of the place right behind `sequence`; 0 is the place before the first event.
std::string FormatCursor(absl::string_view store_id, Sequence sequence);

// The sequence that a cursor of this store names. Takes exactly what FormatCursor gives.
// Errors: kInvalidArgument (not a cursor), kFailedPrecondition (of another store).
absl::StatusOr<Sequence> ParseCursor(absl::string_view text, absl::string_view store_id);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CURSOR_H_
