#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_BITS_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_BITS_H_

#include <cstdint>

namespace onhook {

// 64 bits that nobody can guess: ids of stores, epochs of delivery ids, what a backoff begins with.
// All that the engines do at random comes from here, so that a simulation, which links a function
// of its own in place of this one, does the same again.
uint64_t RandomBits();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_RANDOM_BITS_H_
