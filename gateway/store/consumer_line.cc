#include "gateway/store/consumer_line.h"

#include <algorithm>
#include <utility>

namespace onhook {

ConsumerId ConsumerLine::Add(std::string name, ConsumerCallbacks callbacks) {
  const ConsumerId id = next_++;
  Consumer& consumer = consumers_[id];
  consumer.name = std::make_shared<const std::string>(std::move(name));
  consumer.callbacks = std::make_shared<const ConsumerCallbacks>(std::move(callbacks));
  return id;
}

ConsumerLine::Calls ConsumerLine::Clear() {
  Calls calls;
  for (const auto& [id, consumer] : consumers_) calls.push_back(consumer.callbacks);
  consumers_.clear();
  waiting_for_events_.clear();
  return calls;
}

ConsumerLine::Name ConsumerLine::NameOf(ConsumerId consumer) const {
  const auto it = consumers_.find(consumer);
  return it == consumers_.end() ? nullptr : it->second.name;
}

std::vector<ConsumerId> ConsumerLine::All() const {
  std::vector<ConsumerId> all;
  all.reserve(consumers_.size());
  for (const auto& [id, consumer] : consumers_) all.push_back(id);
  return all;
}

bool ConsumerLine::Wait(ConsumerId consumer, bool has_credit) {
  const auto it = consumers_.find(consumer);
  if (it == consumers_.end() || it->second.waiting != Waiting::kNo) return false;
  it->second.waiting = has_credit ? Waiting::kForEvents : Waiting::kForCredit;
  if (has_credit) waiting_for_events_.push_back(consumer);
  return true;
}

bool ConsumerLine::WaitsForCredit(ConsumerId consumer) const {
  const auto it = consumers_.find(consumer);
  return it != consumers_.end() && it->second.waiting == Waiting::kForCredit;
}

bool ConsumerLine::WakeFirst(Calls& calls) {
  while (!waiting_for_events_.empty()) {
    const auto it = consumers_.find(waiting_for_events_.front());
    waiting_for_events_.pop_front();
    if (it == consumers_.end()) continue;
    Wake(it->second, calls);
    return true;
  }
  return false;
}

void ConsumerLine::StopWaitingForEvents(ConsumerId consumer) {
  const auto it = consumers_.find(consumer);
  if (it == consumers_.end() || it->second.waiting != Waiting::kForEvents) return;
  it->second.waiting = Waiting::kForCredit;
  const auto place = std::find(waiting_for_events_.begin(), waiting_for_events_.end(), consumer);
  if (place != waiting_for_events_.end()) waiting_for_events_.erase(place);
}

void ConsumerLine::WakeForCredit(ConsumerId consumer, Calls& calls) {
  const auto it = consumers_.find(consumer);
  if (it != consumers_.end() && it->second.waiting == Waiting::kForCredit) Wake(it->second, calls);
}

void ConsumerLine::WakeWithCredit(const std::function<bool(ConsumerId)>& has_credit, Calls& calls) {
  for (auto& [id, consumer] : consumers_) {
    if (consumer.waiting == Waiting::kForCredit && has_credit(id)) Wake(consumer, calls);
  }
}

void ConsumerLine::WakeAll(Calls& calls) {
  for (auto& [id, consumer] : consumers_) Wake(consumer, calls);
  waiting_for_events_.clear();
}

void ConsumerLine::Wake(Consumer& consumer, Calls& calls) {
  consumer.waiting = Waiting::kNo;
  calls.push_back(consumer.callbacks);
}

}  // namespace onhook
