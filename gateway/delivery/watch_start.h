#ifndef ONHOOK_GATEWAY_DELIVERY_WATCH_START_H_
#define ONHOOK_GATEWAY_DELIVERY_WATCH_START_H_

#include <functional>

#include "absl/status/statusor.h"
#include "gateway/store/store.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// Finds the place behind which `request` wants to read, and calls `done` with it, perhaps before
// returning. Never blocks.
//
// Errors: kInvalidArgument (a malformed cursor or time, an unknown position), kFailedPrecondition
// (a cursor of another store, with the time
// to resume from where that is known, or of an event that this store does not have: it lost data,
// or was restored), kOutOfRange (a cursor whose events are no longer kept), and EventLog's.
void FindWatchStart(const v1::WatchRequest& request, Store& store,
                    std::function<void(absl::StatusOr<Sequence>)> done);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_WATCH_START_H_
