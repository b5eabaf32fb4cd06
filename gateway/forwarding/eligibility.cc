#include "gateway/forwarding/eligibility.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace onhook {
namespace {

constexpr absl::Duration kRemembered = absl::Minutes(1);
// Of those that left, so that streams that come and go quickly fill no memory.
constexpr size_t kMostRemembered = 1024;

}  // namespace

Eligibility::Eligibility(const Clock* clock) : clock_(clock), started_(clock->Elapsed()) {}

std::shared_ptr<EligibleStream> Eligibility::Add(std::string receiver,
                                                 EligibleStream::Wants wants) {
  auto stream = std::make_shared<EligibleStream>(clock_, std::move(receiver), std::move(wants));
  std::shared_ptr<const Streams> old;  // destroyed outside the lock
  absl::MutexLock lock(&mutex_);
  size_t left = 0;
  for (const auto& other : *streams_) left += other->has_left() ? 1 : 0;
  auto streams = std::make_shared<Streams>();
  for (const auto& other : *streams_) {
    const bool has_left = other->has_left();
    const bool forgotten = has_left && (left > kMostRemembered || !other->WasWithin(kRemembered));
    if (has_left) --left;
    if (!forgotten) streams->push_back(other);
  }
  streams->push_back(stream);
  old = std::exchange(streams_, std::move(streams));
  return stream;
}

std::shared_ptr<const Eligibility::Streams> Eligibility::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

bool Eligibility::AnyWithin(absl::Duration time, const v1::ReleaseEvent& event,
                            const std::function<bool(const std::string& receiver)>& counts) const {
  if (clock_->Elapsed() - started_ <= time) return true;
  const std::shared_ptr<const Streams> streams = Snapshot();
  return std::any_of(streams->begin(), streams->end(), [&](const auto& stream) {
    const absl::Duration counted = stream->has_left() ? std::min(time, kRemembered) : time;
    return counts(stream->receiver()) && stream->WasWithin(counted) && stream->WantsEvent(event);
  });
}

bool Eligibility::AnybodyWithin(absl::Duration time, const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [](const std::string&) { return true; });
}

bool Eligibility::AnySubscriptionWithin(absl::Duration time, const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [](const std::string& receiver) {
    return absl::StartsWith(receiver, "subscription/");
  });
}

bool Eligibility::Within(const std::string& receiver, absl::Duration time,
                         const v1::ReleaseEvent& event) const {
  return AnyWithin(time, event, [&](const std::string& other) { return other == receiver; });
}

}  // namespace onhook
