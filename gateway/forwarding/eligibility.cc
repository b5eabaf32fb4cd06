#include "gateway/forwarding/eligibility.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

constexpr absl::string_view kSubscription = "subscription/";
constexpr absl::Duration kRemembered = absl::Minutes(1);
// Of those that left, so that streams that come and go quickly fill no memory.
constexpr size_t kMostRemembered = 1024;

}  // namespace

Eligibility::Eligibility(const Clock* clock) : clock_(clock), started_(clock->Elapsed()) {}

std::shared_ptr<EligibleStream> Eligibility::Add(std::string receiver,
                                                 EligibleStream::Wants wants) {
  auto stream = std::make_shared<EligibleStream>(clock_, std::move(receiver), std::move(wants));
  std::shared_ptr<const Groups> old;  // destroyed outside the lock
  absl::MutexLock lock(&mutex_);
  size_t left = 0;
  for (const Group& group : *groups_) {
    for (const auto& other : group.streams) left += other->has_left() ? 1 : 0;
  }
  auto groups = std::make_shared<Groups>();
  Group* of_stream = nullptr;
  for (const Group& group : *groups_) {
    Group kept{group.receiver, group.is_subscription, {}};
    for (const auto& other : group.streams) {
      const bool has_left = other->has_left();
      const bool forgotten = has_left && (left > kMostRemembered || !other->WasWithin(kRemembered));
      if (has_left) --left;
      if (!forgotten) kept.streams.push_back(other);
    }
    const bool is_of_stream = group.is_subscription && group.receiver == stream->receiver();
    if (is_of_stream) kept.streams.push_back(stream);
    if (kept.streams.empty()) continue;
    groups->push_back(std::move(kept));
    if (is_of_stream) of_stream = &groups->back();
  }
  if (of_stream == nullptr) {
    const bool is_subscription = absl::StartsWith(stream->receiver(), kSubscription);
    groups->push_back({stream->receiver(), is_subscription, {stream}});
  }
  old = std::exchange(groups_, std::move(groups));
  return stream;
}

std::shared_ptr<const Eligibility::Groups> Eligibility::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  return groups_;
}

bool Eligibility::IsWithin(const Group& group, absl::Duration time, const v1::ReleaseEvent& event) {
  // The newest first: a subscription that was deleted and created again has another filter.
  const auto was_there =
      std::find_if(group.streams.rbegin(), group.streams.rend(), [time](const auto& stream) {
        return stream->WasWithin(stream->has_left() ? std::min(time, kRemembered) : time);
      });
  return was_there != group.streams.rend() && (*was_there)->WantsEvent(event);
}

bool Eligibility::AnyWithin(absl::Duration time, const v1::ReleaseEvent& event,
                            absl::FunctionRef<bool(const Group& group)> counts) const {
  if (clock_->Elapsed() - started_ <= time) return true;
  const std::shared_ptr<const Groups> groups = Snapshot();
  const size_t first = found_at_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < groups->size(); ++i) {
    const size_t at = (first + i) % groups->size();
    const Group& group = (*groups)[at];
    if (!counts(group) || !IsWithin(group, time, event)) continue;
    if (i > 0) found_at_.store(at, std::memory_order_relaxed);
    return true;
  }
  return false;
}

bool Eligibility::AnybodyWithin(absl::Duration time, const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [](const Group&) { return true; });
}

bool Eligibility::AnySubscriptionWithin(absl::Duration time, const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [](const Group& group) { return group.is_subscription; });
}

bool Eligibility::Within(const std::string& receiver, absl::Duration time,
                         const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [&](const Group& group) { return group.receiver == receiver; });
}

std::vector<std::string> Eligibility::ReceiversWithin(absl::Duration time) const {
  std::set<std::string> receivers;
  const std::shared_ptr<const Groups> groups = Snapshot();
  for (const Group& group : *groups) {
    const auto was_there = [time](const auto& stream) {
      return !stream->has_left() && stream->WasWithin(time);
    };
    if (std::any_of(group.streams.begin(), group.streams.end(), was_there)) {
      receivers.insert(group.receiver);
    }
  }
  return {receivers.begin(), receivers.end()};
}

}  // namespace onhook
