#ifndef ONHOOK_GATEWAY_DELIVERY_AWAITED_H_
#define ONHOOK_GATEWAY_DELIVERY_AWAITED_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"

namespace onhook {

// Waits for the one call of the callback that `start` is given. Not for gRPC's threads, nor for the
// store's: it blocks for as long as the store takes, which always answers.
template <typename Result>
absl::StatusOr<Result> Awaited(
    const std::function<void(std::function<void(absl::StatusOr<Result>)> done)>& start) {
  absl::StatusOr<Result> result;
  absl::Notification finished;
  start([&result, &finished](absl::StatusOr<Result> answer) {
    result = std::move(answer);
    finished.Notify();
  });
  finished.WaitForNotification();
  return result;
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_AWAITED_H_
