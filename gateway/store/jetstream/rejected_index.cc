#include "gateway/store/jetstream/rejected_index.h"

#include <algorithm>
#include <iterator>

#include "gateway/store/embedded/quarantine_rows.h"

namespace onhook {
namespace {

constexpr size_t kMostGone = 65'536;

int64_t CountedBytes(const RejectedCallback& callback) {
  return callback.body_bytes + QuarantineRows::kBytesBesideBody;
}

}  // namespace

void RejectedIndex::Add(RejectedCallback callback) {
  const int64_t id = callback.id;
  newest_ = std::max(newest_, id);
  if (gone_.contains(id) || kept_.count(id) > 0 || leaving_.count(id) > 0) return;
  callback.callback.raw_body = std::string();
  Insert(std::move(callback));
}

void RejectedIndex::Insert(RejectedCallback callback) {
  Source& source = sources_[callback.callback.source];
  source.bytes += CountedBytes(callback);
  source.ids.insert(callback.id);
  by_time_.emplace(callback.callback.received_at, callback.id);
  bytes_ += CountedBytes(callback);
  kept_.emplace(callback.id, std::move(callback));
  ++changes_;
}

RejectedCallback RejectedIndex::Extract(Kept::iterator it) {
  RejectedCallback callback = std::move(it->second);
  kept_.erase(it);
  bytes_ -= CountedBytes(callback);
  by_time_.erase({callback.callback.received_at, callback.id});
  const auto source = sources_.find(callback.callback.source);
  source->second.bytes -= CountedBytes(callback);
  source->second.ids.erase(callback.id);
  if (source->second.ids.empty()) sources_.erase(source);
  ++changes_;
  return callback;
}

void RejectedIndex::Remove(int64_t id) {
  if (const auto it = kept_.find(id); it != kept_.end()) Extract(it);
  leaving_.erase(id);
  if (!gone_.insert(id).second) return;
  ++changes_;
  gone_in_order_.push_back(id);
  if (gone_in_order_.size() <= kMostGone) return;
  gone_.erase(gone_in_order_.front());
  gone_in_order_.pop_front();
}

void RejectedIndex::NoteAbsent(int64_t id) {
  if (id <= newest_) Remove(id);
}

void RejectedIndex::ForgetBehind(int64_t last) {
  while (!kept_.empty() && kept_.rbegin()->first > last) Extract(std::prev(kept_.end()));
  leaving_.erase(leaving_.upper_bound(last), leaving_.end());
  std::deque<int64_t> still_gone;
  for (const int64_t id : gone_in_order_) {
    if (id <= last) still_gone.push_back(id);
  }
  gone_ = {still_gone.begin(), still_gone.end()};
  gone_in_order_ = std::move(still_gone);
  newest_ = std::min(newest_, last);
  ++changes_;
}

void RejectedIndex::Take(int64_t id) {
  const auto it = kept_.find(id);
  if (it != kept_.end()) leaving_.emplace(id, Extract(it));
}

void RejectedIndex::PutBack(int64_t id) {
  const auto it = leaving_.find(id);
  if (it == leaving_.end()) return;
  RejectedCallback callback = std::move(it->second);
  leaving_.erase(it);
  Insert(std::move(callback));
}

std::vector<int64_t> RejectedIndex::TakeOld(absl::Time before, size_t most) {
  std::vector<int64_t> taken;
  while (taken.size() < most && !by_time_.empty() && by_time_.begin()->first < before) {
    taken.push_back(by_time_.begin()->second);
    Take(taken.back());
  }
  return taken;
}

std::vector<int64_t> RejectedIndex::TakeOverflow(int64_t max_bytes, size_t most) {
  std::vector<int64_t> taken;
  while (taken.size() < most && bytes_ > max_bytes && kept_.size() > 1) {
    taken.push_back(OldestOfMost());
    Take(taken.back());
  }
  return taken;
}

// There are at least two.
int64_t RejectedIndex::OldestOfMost() const {
  const int64_t newest = std::prev(kept_.end())->first;
  const Source* found = nullptr;
  for (const auto& [name, source] : sources_) {
    if (*source.ids.begin() == newest) continue;  // it has no other
    if (found == nullptr || source.bytes > found->bytes) found = &source;
  }
  return *found->ids.begin();
}

std::vector<RejectedCallback> RejectedIndex::List(const RejectedCallbackQuery& query) const {
  std::vector<RejectedCallback> listed;
  const auto most = static_cast<size_t>(query.max_callbacks < 0 ? 0 : query.max_callbacks);
  if (query.source.empty()) {
    auto it = kept_.upper_bound(query.after);
    for (; it != kept_.end() && listed.size() < most; ++it) listed.push_back(it->second);
    return listed;
  }
  const auto source = sources_.find(query.source);
  if (source == sources_.end()) return listed;
  const std::set<int64_t>& ids = source->second.ids;
  auto id = ids.upper_bound(query.after);
  for (; id != ids.end() && listed.size() < most; ++id) listed.push_back(kept_.at(*id));
  return listed;
}

std::vector<int64_t> RejectedIndex::IdsThrough(int64_t through) const {
  std::vector<int64_t> ids;
  for (const auto& [id, callback] : kept_) {
    if (id > through) break;
    ids.push_back(id);
  }
  return ids;
}

}  // namespace onhook
