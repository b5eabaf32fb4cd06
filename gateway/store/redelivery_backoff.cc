#include "gateway/store/redelivery_backoff.h"

#include <algorithm>

namespace onhook {
namespace {

constexpr absl::Duration kShortest = absl::Seconds(1);
constexpr absl::Duration kLongest = absl::Minutes(5);
constexpr int32_t kMostDoublings = 20;  // long past kLongest, and far from an overflow

}  // namespace

absl::Duration RedeliveryBackoff::After(int32_t attempts) {
  const int64_t factor = int64_t{1} << std::clamp(attempts, 1, kMostDoublings);
  const absl::Duration most = std::min(kShortest * factor, kLongest);
  return most * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
}

}  // namespace onhook
