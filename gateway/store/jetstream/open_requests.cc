#include "gateway/store/jetstream/open_requests.h"

#include <algorithm>
#include <utility>

namespace onhook {

uint64_t OpenRequests::Add(absl::Duration deadline, NatsConnection::Reply reply) {
  absl::MutexLock lock(&mutex_);
  const uint64_t number = ++last_number_;
  open_.emplace(number, Open{deadline, std::move(reply)});
  earliest_ = std::min(earliest_, deadline);
  return number;
}

NatsConnection::Reply OpenRequests::Take(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return nullptr;
  NatsConnection::Reply reply = std::move(found->second.reply);
  open_.erase(found);
  return reply;
}

std::vector<NatsConnection::Reply> OpenRequests::TakeLate(absl::Duration now) {
  std::vector<NatsConnection::Reply> late;
  absl::MutexLock lock(&mutex_);
  if (now < earliest_) return late;
  // Most answers come in time, so what was the earliest is long gone, and this looks at all of them
  // about once in a timeout.
  earliest_ = absl::InfiniteDuration();
  for (auto request = open_.begin(); request != open_.end();) {
    if (request->second.deadline <= now) {
      late.push_back(std::move(request->second.reply));
      open_.erase(request++);
    } else {
      earliest_ = std::min(earliest_, request->second.deadline);
      ++request;
    }
  }
  return late;
}

std::vector<NatsConnection::Reply> OpenRequests::TakeAll() {
  std::vector<NatsConnection::Reply> all;
  absl::MutexLock lock(&mutex_);
  all.reserve(open_.size());
  for (auto& request : open_) all.push_back(std::move(request.second.reply));
  open_.clear();
  earliest_ = absl::InfiniteDuration();
  return all;
}

}  // namespace onhook
