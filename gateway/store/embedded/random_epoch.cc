#include "gateway/store/embedded/random_epoch.h"

#include <random>

namespace onhook {

uint64_t RandomEpoch() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace onhook
