#include "clients/cpp/held_events.h"

#include <algorithm>
#include <utility>

namespace onhook::client {

std::optional<HeldEvents::Place> HeldEvents::Take(Work work) {
  const std::string& event_id = work.delivery.event().event_id();
  const auto [found, is_new] =
      places_.try_emplace(event_id, Place{work.stream, work.delivery.delivery_id()});
  if (is_new) {
    waiting_.push_back(std::move(work));
    return std::nullopt;
  }
  Place before = std::exchange(found->second, Place{work.stream, work.delivery.delivery_id()});
  const auto waits = std::find_if(waiting_.begin(), waiting_.end(), [&](const Work& other) {
    return other.delivery.event().event_id() == event_id;
  });
  if (waits != waiting_.end()) *waits = std::move(work);
  return before;
}

HeldEvents::Work HeldEvents::Begin() {
  Work work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

const HeldEvents::Place* HeldEvents::Find(absl::string_view event_id) const {
  const auto found = places_.find(event_id);
  return found == places_.end() ? nullptr : &found->second;
}

std::optional<HeldEvents::Place> HeldEvents::End(absl::string_view event_id) {
  const auto found = places_.find(event_id);
  if (found == places_.end()) return std::nullopt;
  Place place = std::move(found->second);
  places_.erase(found);
  return place;
}

std::vector<std::pair<std::string, HeldEvents::Place>> HeldEvents::TakeBegun() {
  auto begun = std::exchange(places_, {});
  for (const Work& work : waiting_) {
    places_.insert(begun.extract(work.delivery.event().event_id()));
  }
  return {begun.begin(), begun.end()};
}

std::deque<HeldEvents::Work> HeldEvents::TakeWaiting() {
  std::deque<Work> waiting = std::exchange(waiting_, {});
  for (const Work& work : waiting) places_.erase(work.delivery.event().event_id());
  return waiting;
}

void HeldEvents::DropWaiting(const SubscriberStream* stream) {
  const auto drop = [&](const Work& work) {
    if (work.stream.get() != stream) return false;
    places_.erase(work.delivery.event().event_id());
    return true;
  };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), drop), waiting_.end());
}

}  // namespace onhook::client
