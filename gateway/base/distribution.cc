#include "gateway/base/distribution.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace onhook {

Distribution::Distribution(absl::Span<const double> bounds)
    : bounds_(bounds), counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds.size() + 1)) {
  for (size_t i = 0; i <= bounds_.size(); ++i) counts_[i].store(0, std::memory_order_relaxed);
}

void Distribution::Observe(double value) {
  const auto range = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(range)].fetch_add(1, std::memory_order_relaxed);
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {
  }
}

uint64_t Distribution::Counts::total() const {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

Distribution::Counts Distribution::Read() const {
  Counts read;
  read.bounds = bounds_;
  read.counts.reserve(bounds_.size() + 1);
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    read.counts.push_back(counts_[i].load(std::memory_order_relaxed));
  }
  read.sum = sum_.load(std::memory_order_relaxed);
  return read;
}

}  // namespace onhook
