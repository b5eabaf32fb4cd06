#include "gateway/store/jetstream/serial_calls.h"

#include <utility>

namespace onhook {

void SerialCalls::Run(std::function<void()> call) {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    if (calling_) return waiting_.push_back(std::move(call));
    calling_ = true;
    caller_ = std::this_thread::get_id();
  }
  while (true) {
    call();
    call = nullptr;  // what it holds goes before End returns
    absl::MutexLock lock(&mutex_);
    if (ended_ || waiting_.empty()) {
      calling_ = false;
      return;
    }
    call = std::move(waiting_.front());
    waiting_.pop_front();
  }
}

void SerialCalls::End() {
  std::deque<std::function<void()>> dropped;
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  dropped.swap(waiting_);
  if (calling_ && caller_ == std::this_thread::get_id()) return;
  mutex_.Await(absl::Condition(this, &SerialCalls::Idle));
}

}  // namespace onhook
