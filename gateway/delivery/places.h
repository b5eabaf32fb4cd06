#ifndef ONHOOK_GATEWAY_DELIVERY_PLACES_H_
#define ONHOOK_GATEWAY_DELIVERY_PLACES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/store/store.h"

namespace onhook {

// Places in the log that clients name: the same rules for Watch and for Seek. A place is the
// sequence behind which reading begins. Threads: any. Blocking: never.

// The place of a cursor. `field` is its path in the request. Errors: kInvalidArgument (not a
// cursor), kFailedPrecondition (of another store: FOREIGN_CURSOR; ahead of the newest event:
// CURSOR_AHEAD), kOutOfRange as CheckKept.
absl::StatusOr<Sequence> PlaceOfCursor(const std::string& cursor, absl::string_view field,
                                       Store& store);

// Either end of the log; `otherwise` for START_POSITION_UNSPECIFIED. Errors: kInvalidArgument.
absl::StatusOr<Sequence> PlaceOfPosition(v1::StartPosition position, v1::StartPosition otherwise,
                                         absl::string_view field, const EventLog& log);

// kOutOfRange, reason CURSOR_EXPIRED, if events behind `place` are no longer kept: with the oldest
// cursor that reading can go on from, and the number of events lost.
absl::Status CheckKept(Sequence place, Store& store);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_PLACES_H_
