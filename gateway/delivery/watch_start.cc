#include "gateway/delivery/watch_start.h"

#include <utility>

#include "gateway/delivery/places.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/resume_advice.h"

namespace onhook {

void FindWatchStart(const v1::WatchRequest& request, Store& store,
                    std::function<void(absl::StatusOr<Sequence>)> done) {
  switch (request.start_case()) {
    case v1::WatchRequest::kPosition:
      return done(
          PlaceOfPosition(request.position(), v1::START_POSITION_LATEST, "position", store.log()));
    case v1::WatchRequest::kAfterCursor: {
      absl::StatusOr<Sequence> place = PlaceOfCursor(request.after_cursor(), "after_cursor", store);
      if (place.ok()) return done(std::move(place));
      return AdviseResuming(place.status(), request.after_cursor(), store,
                            [done = std::move(done)](absl::Status advised) { done(advised); });
    }
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
