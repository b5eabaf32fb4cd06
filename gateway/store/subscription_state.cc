#include "gateway/store/subscription_state.h"

#include <utility>

#include "absl/base/macros.h"

namespace onhook {

SubscriptionState::SubscriptionState(Sequence floor, SequenceSet settled,
                                     int64_t max_unsettled_span)
    : max_unsettled_span_(max_unsettled_span),
      floor_(settled.NextMissing(floor) - 1),
      settled_(std::move(settled)),
      next_fresh_(floor_ + 1) {
  settled_.RemoveThrough(floor_);
  SkipKnown();
}

void SubscriptionState::Attach(ConsumerId consumer, ConsumerLimits limits) {
  consumers_[consumer].limits = limits;
}

void SubscriptionState::SetLimits(ConsumerId consumer, ConsumerLimits limits) {
  const auto it = consumers_.find(consumer);
  if (it != consumers_.end()) it->second.limits = limits;
}

size_t SubscriptionState::Detach(ConsumerId consumer) {
  size_t count = 0;
  for (auto it = records_.begin(); it != records_.end();) {
    Record& record = it->second;
    const auto current = it++;
    if (record.holder != consumer) continue;
    Release(record);
    if (record.settling > 0) continue;
    returned_.insert(current->first);
    records_.erase(current);
    ++count;
  }
  consumers_.erase(consumer);
  return count;
}

bool SubscriptionState::HasCredit(ConsumerId consumer, int64_t bytes) const {
  const auto it = consumers_.find(consumer);
  if (it == consumers_.end()) return false;
  const Consumer& account = it->second;
  return account.events < account.limits.max_outstanding_events &&
         (account.events == 0 || account.bytes + bytes <= account.limits.max_outstanding_bytes);
}

std::optional<SubscriptionState::Next> SubscriptionState::PeekNext(Sequence last) const {
  if (!returned_.empty()) return Next{*returned_.begin(), true};
  if (next_fresh_ > last || next_fresh_ > floor_ + max_unsettled_span_) return std::nullopt;
  return Next{next_fresh_, false};
}

void SubscriptionState::LeaseNext(const Next& next, ConsumerId consumer, int64_t bytes) {
  Consumer& account = consumers_.at(consumer);
  ABSL_ASSERT(next.returned ? returned_.count(next.sequence) == 1 : next.sequence == next_fresh_);
  Record& record = records_[next.sequence];
  record.holder = consumer;
  record.bytes = bytes;
  ++account.events;
  account.bytes += bytes;
  ++outstanding_;
  if (next.returned) {
    returned_.erase(next.sequence);
  } else {
    SkipKnown();
  }
}

void SubscriptionState::SetAside(const Next& next) {
  records_[next.sequence] = Record{};
  if (next.returned) {
    returned_.erase(next.sequence);
  } else {
    SkipKnown();
  }
}

SubscriptionState::Settling SubscriptionState::BeginSettling(Sequence sequence) {
  if (sequence <= floor_ || settled_.Contains(sequence)) return Settling::kAlready;
  returned_.erase(sequence);
  ++records_[sequence].settling;
  SkipKnown();
  return Settling::kStarted;
}

ConsumerId SubscriptionState::Settled(Sequence sequence) {
  const auto it = records_.find(sequence);
  ConsumerId holder = 0;
  if (it != records_.end()) {
    holder = it->second.holder;
    Release(it->second);
    if (--it->second.settling == 0) records_.erase(it);
  }
  if (sequence == floor_ + 1) {
    floor_ = settled_.NextMissing(sequence) - 1;
    settled_.RemoveThrough(floor_);
  } else if (sequence > floor_) {
    settled_.Add(sequence);
  }
  return holder;
}

void SubscriptionState::SettlingFailed(Sequence sequence) {
  const auto it = records_.find(sequence);
  if (it == records_.end() || --it->second.settling > 0 || it->second.holder != 0) return;
  records_.erase(it);
  if (sequence > floor_ && !settled_.Contains(sequence)) returned_.insert(sequence);
}

void SubscriptionState::SkipKnown() {
  while (true) {
    if (records_.contains(next_fresh_) || returned_.count(next_fresh_) > 0) {
      ++next_fresh_;
    } else if (settled_.Contains(next_fresh_)) {
      next_fresh_ = settled_.NextMissing(next_fresh_);
    } else {
      return;
    }
  }
}

void SubscriptionState::Release(Record& record) {
  if (record.holder == 0) return;
  Consumer& account = consumers_.at(record.holder);
  --account.events;
  account.bytes -= record.bytes;
  --outstanding_;
  record.holder = 0;
}

}  // namespace onhook
