#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_RECENT_DELIVERIES_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_RECENT_DELIVERIES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/store/sequence.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// What a timeline tells of that is written nowhere: the last some thousand deliveries of one
// subscription, the streams that were lost, and what was released.
//
// Threads: one at a time. Blocking: never. Errors: none; what is forgotten is not told.
class RecentDeliveries {
 public:
  using ConsumerName = std::shared_ptr<const std::string>;

  void Add(Sequence sequence, v1::TimelineEntry::Kind kind, int32_t attempt, ConsumerName consumer,
           std::string reason, absl::Time at);

  // Adds what is known of an event to its timeline, oldest first.
  void Tell(Sequence sequence, v1::SubscriptionTimeline& timeline) const;

  static constexpr size_t kMost = 4096;  // entries

 private:
  struct Entry {
    SequenceRange range;  // events of which the same was told at once
    v1::TimelineEntry::Kind kind = v1::TimelineEntry::KIND_UNSPECIFIED;
    int32_t attempt = 0;
    ConsumerName consumer;
    std::string reason;
    absl::Time at;
  };

  std::vector<Entry> entries_;  // a ring once it is full
  size_t next_ = 0;             // where the next one goes
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_RECENT_DELIVERIES_H_
