#include "gateway/delivery/call_pace.h"

#include <algorithm>

namespace onhook {

void CallPace::Fill(Bucket& bucket, absl::Duration now) const {
  // Threads may come here in another order than they read the clock in.
  if (now <= bucket.filled) return;
  const double seconds = absl::ToDoubleSeconds(now - bucket.filled);
  bucket.tokens = std::min(limits_.burst, bucket.tokens + limits_.per_second * seconds);
  bucket.filled = now;
}

void CallPace::ForgetTheFull(absl::Duration now) {
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    Fill(it->second, now);
    // A new one would be as full.
    const bool full = it->second.tokens >= limits_.burst;
    const auto here = it++;
    if (full) buckets_.erase(here);
  }
  // Those that are left are not looked through again for each call.
  forget_at_ = std::max(limits_.max_connections, 2 * buckets_.size());
}

void CallPace::SetLimits(const Limits& limits) {
  absl::MutexLock lock(&mutex_);
  limits_ = limits;
}

bool CallPace::Take(const void* connection) {
  const absl::Duration now = clock_->Elapsed();
  absl::MutexLock lock(&mutex_);
  if (buckets_.size() >= std::max(forget_at_, limits_.max_connections)) ForgetTheFull(now);
  Bucket& bucket = buckets_.try_emplace(connection, Bucket{limits_.burst, now}).first->second;
  Fill(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

size_t CallPace::size() const {
  absl::MutexLock lock(&mutex_);
  return buckets_.size();
}

}  // namespace onhook
