#include "gateway/delivery/places.h"

#include "absl/strings/str_cat.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {

absl::StatusOr<Sequence> PlaceOfCursor(const std::string& cursor, absl::string_view field,
                                       Store& store) {
  const absl::StatusOr<Sequence> place = ParseCursor(cursor, store.store_id());
  if (absl::IsInvalidArgument(place.status())) return InvalidField(field, place.status().message());
  if (!place.ok()) return WithReason(place.status(), kReasonForeignCursor);
  if (*place > store.log().last()) {
    return WithReason(absl::FailedPreconditionError(
                          "the cursor is ahead of the newest event: the store has lost events"),
                      kReasonCursorAhead,
                      {{"newest_cursor", FormatCursor(store.store_id(), store.log().last())}});
  }
  if (absl::Status kept = CheckKept(*place, store); !kept.ok()) return kept;
  return place;
}

absl::StatusOr<Sequence> PlaceOfPosition(v1::StartPosition position, v1::StartPosition otherwise,
                                         absl::string_view field, const EventLog& log) {
  if (position == v1::START_POSITION_UNSPECIFIED) position = otherwise;
  switch (position) {
    case v1::START_POSITION_EARLIEST:
      return log.first() - 1;
    case v1::START_POSITION_LATEST:
      return log.last();
    default:
      return InvalidField(field, "is not known to this version");
  }
}

absl::Status CheckKept(Sequence place, Store& store) {
  const Sequence first = store.log().first();
  if (place + 1 >= first) return absl::OkStatus();
  return WithReason(absl::OutOfRangeError("events behind this cursor are no longer kept"),
                    kReasonCursorExpired,
                    {{"oldest_cursor", FormatCursor(store.store_id(), first - 1)},
                     {"events_lost", absl::StrCat(first - 1 - place)}});
}

}  // namespace onhook
