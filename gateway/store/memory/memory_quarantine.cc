#include "gateway/store/memory/memory_quarantine.h"

#include <memory>

namespace onhook {
namespace {

int64_t BodyBytes(const NewRejectedCallback& callback) {
  return static_cast<int64_t>(callback.raw_body.size());
}

int64_t CountedBytes(const NewRejectedCallback& callback) {
  return BodyBytes(callback) + QuarantineRows::kBytesBesideBody;
}

}  // namespace

MemoryQuarantine::Table& MemoryQuarantine::Changed() {
  if (changed_ == nullptr) {
    absl::MutexLock lock(&mutex_);
    changed_ = std::make_shared<Table>(rows_->rejected_callbacks);
    writes_->emplace_back(
        [table = changed_](MemoryRows& rows) { rows.rejected_callbacks = *table; });
  }
  return *changed_;
}

absl::StatusOr<int64_t> MemoryQuarantine::FindEqual(const NewRejectedCallback& callback) {
  for (const auto& [id, kept] : Changed().kept) {
    if (kept->source == callback.source && kept->reason == callback.reason &&
        kept->raw_body == callback.raw_body) {
      return id;
    }
  }
  return 0;
}

absl::StatusOr<int64_t> MemoryQuarantine::Insert(const NewRejectedCallback& callback) {
  Table& table = Changed();
  table.bytes += CountedBytes(callback);
  table.kept.emplace(++table.last_id, std::make_shared<const NewRejectedCallback>(callback));
  return table.last_id;
}

absl::StatusOr<bool> MemoryQuarantine::Remove(int64_t id) {
  Table& table = Changed();
  const auto it = table.kept.find(id);
  if (it == table.kept.end()) return false;
  table.bytes -= CountedBytes(*it->second);
  table.kept.erase(it);
  return true;
}

absl::StatusOr<int64_t> MemoryQuarantine::Trim(absl::Time before, int64_t max_bytes,
                                               int64_t max_rows) {
  Table& table = Changed();
  int64_t removed = 0;
  const auto remove = [&table, &removed](auto it) {
    table.bytes -= CountedBytes(*it->second);
    ++removed;
    return table.kept.erase(it);
  };
  for (auto it = table.kept.begin(); it != table.kept.end() && removed < max_rows;) {
    it = it->second->received_at < before ? remove(it) : std::next(it);
  }
  while (table.bytes > max_bytes && table.kept.size() > 1 && removed < max_rows) {
    remove(table.kept.begin());
  }
  return removed;
}

absl::StatusOr<std::vector<RejectedCallback>> MemoryQuarantine::List(
    const RejectedCallbackQuery& query) {
  absl::MutexLock lock(&mutex_);
  const auto& kept = rows_->rejected_callbacks.kept;
  std::vector<RejectedCallback> listed;
  for (auto it = kept.upper_bound(query.after); it != kept.end(); ++it) {
    const NewRejectedCallback& callback = *it->second;
    if (static_cast<int>(listed.size()) >= query.max_callbacks) break;
    if (!query.source.empty() && query.source != callback.source) continue;
    listed.push_back({it->first, callback, BodyBytes(callback)});
    listed.back().callback.raw_body.clear();
  }
  return listed;
}

absl::StatusOr<std::optional<RejectedCallback>> MemoryQuarantine::Get(int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto& kept = rows_->rejected_callbacks.kept;
  const auto it = kept.find(id);
  if (it == kept.end()) return std::nullopt;
  return RejectedCallback{id, *it->second, BodyBytes(*it->second)};
}

}  // namespace onhook
