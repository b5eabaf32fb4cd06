#include "gateway/store/embedded/event_tail.h"

#include <algorithm>
#include <utility>

namespace onhook {
namespace {

// What an event takes in memory beside its bytes: the object, its control block, the deque's slot,
// what filters read of it.
constexpr size_t kOverheadBytes = 256;

size_t Footprint(const LogEvent& event) { return event.event.capacity() + kOverheadBytes; }

}  // namespace

void EventTail::Add(LogEventPtr event) {
  const Sequence sequence = event->sequence;
  std::deque<LogEventPtr> dropped;  // freed without the lock
  absl::MutexLock lock(&mutex_);
  bytes_ += Footprint(*event);
  events_.push_back(std::move(event));
  while (bytes_ > max_bytes_ && events_.size() > 1) {
    bytes_ -= Footprint(*events_.front());
    floor_ = events_.front()->sequence;
    dropped.push_back(std::move(events_.front()));
    events_.pop_front();
  }
  last_.store(sequence, std::memory_order_release);
}

void EventTail::ForgetBehind(Sequence last) {
  absl::MutexLock lock(&mutex_);
  while (!events_.empty() && events_.back()->sequence > last) {
    bytes_ -= Footprint(*events_.back());
    events_.pop_back();
  }
  if (events_.empty()) floor_ = last;
  last_.store(last, std::memory_order_release);
}

std::optional<LogPage> EventTail::Read(Sequence after, ReadLimits limits) const {
  absl::MutexLock lock(&mutex_);
  const Sequence last = last_.load(std::memory_order_relaxed);
  LogPage page;
  if (after >= last) {
    page.at_end = true;
    return page;
  }
  if (events_.empty() || after < floor_) return std::nullopt;
  const auto is_behind = [](Sequence place, const LogEventPtr& event) {
    return place < event->sequence;
  };
  size_t bytes = 0;
  for (auto it = std::upper_bound(events_.begin(), events_.end(), after, is_behind);
       it != events_.end(); ++it) {
    bytes += (*it)->event.size();
    const bool full = page.events.size() >= limits.max_events || bytes > limits.max_bytes;
    if (full && !page.events.empty()) break;
    page.events.push_back(*it);
  }
  page.at_end = page.events.back()->sequence == last;
  return page;
}

}  // namespace onhook
