#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_EPOCH_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_EPOCH_H_

#include <cstdint>

namespace onhook {

// A new epoch for delivery ids; see delivery_id.h. Nobody can guess it.
uint64_t RandomEpoch();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_EPOCH_H_
