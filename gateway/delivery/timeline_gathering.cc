#include "gateway/delivery/timeline_gathering.h"

#include <atomic>
#include <memory>
#include <utility>

namespace onhook {
namespace {

// One gathering: events times subscriptions, one after the other.
class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(Store& store, std::vector<TimelineWish> wishes, std::function<void(absl::Status)> done)
      : wishes_(std::move(wishes)), done_(std::move(done)) {
    for (const SubscriptionInfo& info : store.ListSubscriptions()) {
      auto queue = store.FindQueue(info.name);
      if (queue.ok()) queues_.push_back(*std::move(queue));
    }
  }

  // Looks up one after the other. A loop, not a recursion: answers often come before FindTimeline
  // returns, and there may be a million of them.
  void Go() {
    while (next_ < wishes_.size() * queues_.size()) {
      const TimelineWish& wish = wishes_[next_ / queues_.size()];
      SubscriptionQueue& queue = *queues_[next_ % queues_.size()];
      ++next_;
      returned_or_answered_ = false;
      queue.FindTimeline(wish.sequence, [self = shared_from_this(), stored = wish.stored_event](
                                            absl::StatusOr<v1::SubscriptionTimeline> timeline) {
        if (!timeline.ok()) return self->done_(timeline.status());
        const bool owed = timeline->state() != v1::SubscriptionTimeline::STATE_UNSPECIFIED ||
                          timeline->entries_size() > 0;
        if (owed) *stored->add_timelines() = *std::move(timeline);
        if (self->returned_or_answered_.exchange(true)) self->Go();
      });
      if (!returned_or_answered_.exchange(true)) return;  // the answer is still to come
    }
    done_(absl::OkStatus());
  }

 private:
  const std::vector<TimelineWish> wishes_;
  const std::function<void(absl::Status)> done_;
  std::vector<std::shared_ptr<SubscriptionQueue>> queues_;
  size_t next_ = 0;
  // Of the look-up under way: the call returned, or its answer came. Whoever comes second goes on,
  // and whoever came first touches nothing any more.
  std::atomic<bool> returned_or_answered_{false};
};

}  // namespace

void GatherTimelines(Store& store, std::vector<TimelineWish> wishes,
                     std::function<void(absl::Status)> done) {
  std::make_shared<Gathering>(store, std::move(wishes), std::move(done))->Go();
}

}  // namespace onhook
