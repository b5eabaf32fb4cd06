#include "gateway/store/embedded/recent_deliveries.h"

#include <utility>

#include "gateway/store/embedded/timeline.h"

namespace onhook {

void RecentDeliveries::Add(Sequence sequence, v1::TimelineEntry::Kind kind, int32_t attempt,
                           ConsumerName consumer, std::string reason, absl::Time at) {
  if (!entries_.empty()) {
    Entry& newest = entries_[(next_ + entries_.size() - 1) % entries_.size()];
    if (newest.range.last + 1 == sequence && newest.kind == kind && newest.attempt == attempt &&
        newest.consumer == consumer && newest.reason == reason && newest.at == at) {
      newest.range.last = sequence;
      return;
    }
  }
  Entry entry{{sequence, sequence}, kind, attempt, std::move(consumer), std::move(reason), at};
  if (entries_.size() < kMost) {
    entries_.push_back(std::move(entry));
    return;
  }
  entries_[next_] = std::move(entry);
  next_ = (next_ + 1) % kMost;
}

void RecentDeliveries::Tell(Sequence sequence, v1::SubscriptionTimeline& timeline) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[(next_ + i) % entries_.size()];
    if (sequence < entry.range.first || sequence > entry.range.last) continue;
    AddTimelineEntry(timeline, entry.kind, entry.at, *entry.consumer, entry.attempt, entry.reason);
  }
}

}  // namespace onhook
