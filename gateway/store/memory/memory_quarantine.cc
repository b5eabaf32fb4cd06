#include "gateway/store/memory/memory_quarantine.h"

#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace onhook {
namespace {

using Kept = decltype(MemoryRows::RejectedCallbacks::kept);

int64_t BodyBytes(const NewRejectedCallback& callback) {
  return static_cast<int64_t>(callback.raw_body.size());
}

int64_t CountedBytes(const NewRejectedCallback& callback) {
  return BodyBytes(callback) + QuarantineRows::kBytesBesideBody;
}

Kept::iterator Erase(MemoryRows::RejectedCallbacks& table, Kept::iterator it) {
  const NewRejectedCallback& callback = *it->second;
  table.bytes -= CountedBytes(callback);
  const auto of_source = table.bytes_by_source.find(callback.source);
  of_source->second -= CountedBytes(callback);
  if (of_source->second == 0) table.bytes_by_source.erase(of_source);
  return table.kept.erase(it);
}

// The oldest of the source that takes most, of those that have others than the newest of all.
Kept::iterator OldestOfMost(MemoryRows::RejectedCallbacks& table) {
  // Of equal ones the first by name is the smallest.
  const auto rank = [&table](Kept::iterator it) {
    const std::string& source = it->second->source;
    return std::make_pair(-table.bytes_by_source[source], absl::string_view(source));
  };
  auto found = table.kept.begin();
  for (auto it = found; it != std::prev(table.kept.end()); ++it) {
    if (rank(it) < rank(found)) found = it;
  }
  return found;
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
  table.bytes_by_source[callback.source] += CountedBytes(callback);
  table.kept.emplace(++table.last_id, std::make_shared<const NewRejectedCallback>(callback));
  return table.last_id;
}

absl::StatusOr<bool> MemoryQuarantine::Remove(int64_t id) {
  Table& table = Changed();
  const auto it = table.kept.find(id);
  if (it == table.kept.end()) return false;
  Erase(table, it);
  return true;
}

absl::StatusOr<TrimmedCallbacks> MemoryQuarantine::Trim(absl::Time before, int64_t max_bytes,
                                                        int64_t max_rows) {
  Table& table = Changed();
  TrimmedCallbacks removed;
  for (auto it = table.kept.begin(); it != table.kept.end() && removed.by_age < max_rows;) {
    const bool old = it->second->received_at < before;
    it = old ? Erase(table, it) : std::next(it);
    if (old) ++removed.by_age;
  }
  while (table.bytes > max_bytes && table.kept.size() > 1 && removed.total() < max_rows) {
    Erase(table, OldestOfMost(table));
    ++removed.by_size;
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

absl::StatusOr<QuarantineSize> MemoryQuarantine::Measure() {
  absl::MutexLock lock(&mutex_);
  const MemoryRows::RejectedCallbacks& table = rows_->rejected_callbacks;
  return QuarantineSize{static_cast<int64_t>(table.kept.size()), table.bytes};
}

}  // namespace onhook
