#include "gateway/delivery/watch_start.h"

#include <utility>

#include "gateway/delivery/cursor.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"

namespace onhook {
namespace {

absl::StatusOr<Sequence> PlaceOfPosition(v1::StartPosition position, const EventLog& log) {
  switch (position) {
    case v1::START_POSITION_EARLIEST:
      return 0;
    case v1::START_POSITION_UNSPECIFIED:
    case v1::START_POSITION_LATEST:
      return log.last();
    default:
      return InvalidField("position", "is not known to this version");
  }
}

absl::StatusOr<Sequence> PlaceOfCursor(const std::string& cursor, Store& store) {
  const absl::StatusOr<Sequence> sequence = ParseCursor(cursor, store.store_id());
  if (absl::IsInvalidArgument(sequence.status())) {
    return InvalidField("after_cursor", sequence.status().message());
  }
  if (!sequence.ok()) return WithReason(sequence.status(), kReasonForeignCursor);
  if (*sequence > store.log().last()) {
    return WithReason(absl::FailedPreconditionError(
                          "the cursor is ahead of the newest event: the store has lost events"),
                      kReasonCursorAhead,
                      {{"newest_cursor", FormatCursor(store.store_id(), store.log().last())}});
  }
  return sequence;
}

}  // namespace

void FindWatchStart(const v1::WatchRequest& request, Store& store,
                    std::function<void(absl::StatusOr<Sequence>)> done) {
  switch (request.start_case()) {
    case v1::WatchRequest::kPosition:
      return done(PlaceOfPosition(request.position(), store.log()));
    case v1::WatchRequest::kAfterCursor:
      return done(PlaceOfCursor(request.after_cursor(), store));
    case v1::WatchRequest::kSinceTime: {
      const absl::StatusOr<absl::Time> time = FromProto(request.since_time(), "since_time");
      if (!time.ok()) return done(time.status());
      return store.log().FindPlace(*time, std::move(done));
    }
    case v1::WatchRequest::START_NOT_SET:
      return done(store.log().last());
  }
}

}  // namespace onhook
