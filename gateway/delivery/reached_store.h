#ifndef ONHOOK_GATEWAY_DELIVERY_REACHED_STORE_H_
#define ONHOOK_GATEWAY_DELIVERY_REACHED_STORE_H_

#include "absl/status/status.h"
#include "gateway/store/store.h"

namespace onhook {

// kUnavailable while the store that holds subscriptions and events has not been reached since the
// gateway started: then an empty list would mislead, and no cursor could name its store. Threads:
// any. Blocking: never.
inline absl::Status CheckReached(const Store& store) {
  if (!store.store_id().empty()) return absl::OkStatus();
  return absl::UnavailableError("the store has not been reached yet");
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REACHED_STORE_H_
