#include "gateway/store/embedded/recent_deliveries.h"

#include <utility>

#include "gateway/store/embedded/timeline.h"

namespace onhook {

void RecentDeliveries::Add(Sequence sequence, v1::TimelineEntry::Kind kind, int32_t attempt,
                           ConsumerName consumer, std::string reason, absl::Time at) {
  Entry entry{sequence, kind, attempt, std::move(consumer), std::move(reason), at};
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
    if (entry.sequence != sequence) continue;
    AddTimelineEntry(timeline, entry.kind, entry.at, *entry.consumer, entry.attempt, entry.reason);
  }
}

}  // namespace onhook
