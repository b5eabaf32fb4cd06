#include "gateway/delivery/serial_executor.h"

#include <utility>

namespace onhook {

SerialExecutor::SerialExecutor(size_t max_waiting)
    : max_waiting_(max_waiting), thread_([this] { RunTasks(); }) {}

SerialExecutor::~SerialExecutor() { Stop(); }

void SerialExecutor::SetMaxWaiting(size_t max_waiting) {
  absl::MutexLock lock(&mutex_);
  max_waiting_ = max_waiting;
}

bool SerialExecutor::Run(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopped_ || waiting_.size() >= max_waiting_) return false;
  waiting_.push_back(std::move(task));
  return true;
}

void SerialExecutor::Stop() {
  std::deque<std::function<void()>> dropped;  // destroyed outside the lock
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    dropped.swap(waiting_);
  }
  if (thread_.joinable()) thread_.join();
}

void SerialExecutor::RunTasks() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopped_ || !waiting_.empty();
      };
      mutex_.Await(absl::Condition(&due));
      if (stopped_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace onhook
