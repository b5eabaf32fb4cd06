#ifndef ONHOOK_GATEWAY_STORE_DELIVERY_ID_H_
#define ONHOOK_GATEWAY_STORE_DELIVERY_ID_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/store/sequence.h"

namespace onhook {

// What a delivery id says. Its text is opaque to clients: `<epoch in 16 hex digits>-<sequence>-
// <lease>`.
struct DeliveryId {
  uint64_t epoch = 0;  // random; one subscription's, from one seek to the next
  Sequence sequence = 0;
  uint64_t lease = 1;  // numbers the hand-outs of the subscription, over restarts; below 2^63

  std::string ToText() const;
  // Nothing for what ToText never gives.
  static std::optional<DeliveryId> FromText(absl::string_view text);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_DELIVERY_ID_H_
