#include "gateway/forwarding/receivers_elsewhere.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace onhook {
namespace {

// How often others are told.
constexpr absl::Duration kInterval = absl::Milliseconds(100);
// A stream that comes is counted on a moment after it was added.
constexpr absl::Duration kSoon = absl::Milliseconds(5);
// What is said every so often counts for so long, over one telling that is lost.
constexpr absl::Duration kCounts = absl::Milliseconds(250);
constexpr absl::Duration kRemembered = absl::Minutes(1);
// Of all gateways together, as many as there may be subscriptions. Names come from the network.
constexpr size_t kMostKnown = 1024;

}  // namespace

ReceiversElsewhere::ReceiversElsewhere(const Clock* clock, EventLog* log, const Eligibility* here,
                                       WantsOf wants_of)
    : clock_(clock),
      log_(log),
      here_(here),
      wants_of_(std::move(wants_of)),
      there_(clock),
      forgot_(clock->Elapsed()),
      next_turn_(waits_clock_.Elapsed()),
      telling_([this] { Run(); }) {}

ReceiversElsewhere::~ReceiversElsewhere() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    sooner_.Signal();
  }
  telling_.join();
}

void ReceiversElsewhere::Heard(const std::vector<std::string>& receivers) {
  const absl::Duration now = clock_->Elapsed();
  const auto was_there_just_now = [](EligibleStream& stream) {
    stream.Set(true);
    stream.Set(false);
  };
  std::vector<std::string> news;
  {
    absl::MutexLock lock(&mutex_);
    Forget(now);
    for (const std::string& receiver : receivers) {
      const auto found = known_.find(receiver);
      if (found != known_.end()) {
        was_there_just_now(*found->second.stream);
        found->second.heard = now;
      } else if (known_.size() + news.size() < kMostKnown) {
        news.push_back(receiver);
      }
    }
  }
  for (const std::string& receiver : news) {
    Known known{there_.Add(receiver, wants_of_(receiver)), now};
    was_there_just_now(*known.stream);
    absl::MutexLock lock(&mutex_);
    known_.emplace(receiver, std::move(known));
  }
}

void ReceiversElsewhere::Forget(absl::Duration now) {
  if (now - forgot_ < kRemembered) return;
  forgot_ = now;
  for (auto it = known_.begin(); it != known_.end();) {
    if (now - it->second.heard < kRemembered) {
      ++it;
    } else {
      it->second.stream->Leave();
      it = known_.erase(it);
    }
  }
}

void ReceiversElsewhere::TellSoon() {
  absl::MutexLock lock(&mutex_);
  next_turn_ = std::min(next_turn_, waits_clock_.Elapsed() + kSoon);
  sooner_.Signal();
}

void ReceiversElsewhere::Run() {
  absl::MutexLock lock(&mutex_);
  while (!closing_) {
    const absl::Duration now = waits_clock_.Elapsed();
    if (now < next_turn_) {
      sooner_.WaitFor(&mutex_, next_turn_ - now);
      continue;
    }
    next_turn_ = now + kInterval;
    mutex_.Unlock();
    const std::vector<std::string> receivers = here_->ReceiversWithin(kInterval);
    if (!receivers.empty()) log_->TellReceivers(receivers);
    mutex_.Lock();
  }
}

bool ReceiversElsewhere::AnybodyWithin(absl::Duration time, const v1::ReleaseEvent& event) const {
  return there_.AnybodyWithin(time + kCounts, event);
}

bool ReceiversElsewhere::AnySubscriptionWithin(absl::Duration time,
                                               const v1::ReleaseEvent& event) const {
  return there_.AnySubscriptionWithin(time + kCounts, event);
}

bool ReceiversElsewhere::Within(const std::string& receiver, absl::Duration time,
                                const v1::ReleaseEvent& event) const {
  return there_.Within(receiver, time + kCounts, event);
}

}  // namespace onhook
