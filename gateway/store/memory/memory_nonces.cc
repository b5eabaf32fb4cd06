#include "gateway/store/memory/memory_nonces.h"

#include <algorithm>

namespace onhook {
namespace {

MemoryRows::NonceKey KeyOf(const std::string& source, const NewEvent::Nonce& nonce) {
  return {source, nonce.timestamp_ms, nonce.nonce};
}

}  // namespace

absl::StatusOr<std::optional<std::string>> MemoryNonces::Find(const std::string& source,
                                                              const NewEvent::Nonce& nonce) {
  const MemoryRows::NonceKey key = KeyOf(source, nonce);
  const auto inserted = inserted_.find(key);
  if (inserted != inserted_.end()) return inserted->second;
  absl::MutexLock lock(&mutex_);
  const auto kept = rows_->nonces.find(key);
  if (kept == rows_->nonces.end()) return std::nullopt;
  return kept->second.digest;
}

absl::Status MemoryNonces::Insert(const NonceRow& row) {
  inserted_.emplace(KeyOf(row.source, row.nonce), row.digest);
  writes_->emplace_back([row](MemoryRows& rows) {
    rows.nonces[KeyOf(row.source, row.nonce)] = {row.digest, row.forget_at};
  });
  return absl::OkStatus();
}

absl::StatusOr<int64_t> MemoryNonces::Horizon(const std::string& source) {
  absl::MutexLock lock(&mutex_);
  const auto it = rows_->nonce_horizons.find(source);
  return it == rows_->nonce_horizons.end() ? kNothingForgotten : it->second;
}

absl::StatusOr<int64_t> MemoryNonces::Forget(absl::Time now, int64_t max_rows) {
  std::vector<MemoryRows::NonceKey> forgotten;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [key, kept] : rows_->nonces) {
      if (static_cast<int64_t>(forgotten.size()) >= max_rows) break;
      if (kept.forget_at < now) forgotten.push_back(key);
    }
  }
  writes_->emplace_back([forgotten, now](MemoryRows& rows) {
    for (const MemoryRows::NonceKey& key : forgotten) {
      rows.nonces.erase(key);
      const auto& [source, timestamp_ms, nonce] = key;
      if (timestamp_ms > absl::ToUnixMillis(now)) continue;
      const auto it = rows.nonce_horizons.try_emplace(source, timestamp_ms).first;
      it->second = std::max(it->second, timestamp_ms);
    }
  });
  return static_cast<int64_t>(forgotten.size());
}

}  // namespace onhook
