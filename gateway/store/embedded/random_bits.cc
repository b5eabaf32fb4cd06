#include "gateway/store/embedded/random_bits.h"

#include <random>

namespace onhook {

uint64_t RandomBits() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace onhook
