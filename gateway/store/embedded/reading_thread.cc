#include "gateway/store/embedded/reading_thread.h"

#include <utility>

namespace onhook {

ReadingThread::ReadingThread(size_t max_pending, bool by_hand) : max_pending_(max_pending) {
  if (!by_hand) thread_ = std::thread([this] { Loop(); });
}

ReadingThread::~ReadingThread() { Close(); }

bool ReadingThread::Run(Task task) {
  absl::MutexLock lock(&mutex_);
  if (closing_ || tasks_.size() >= max_pending_) return false;
  tasks_.push_back(std::move(task));
  wakes_.Signal();
  return true;
}

void ReadingThread::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    wakes_.Signal();
  }
  if (thread_.joinable()) thread_.join();
  while (RunOne()) {  // by hand, or none is left
  }
}

bool ReadingThread::RunOne() {
  absl::MutexLock lock(&mutex_);
  if (tasks_.empty()) return false;
  RunFirst();
  return true;
}

void ReadingThread::Loop() {
  mutex_.Lock();
  while (true) {
    while (tasks_.empty() && !closing_) wakes_.Wait(&mutex_);
    if (tasks_.empty()) break;
    RunFirst();
  }
  mutex_.Unlock();
}

void ReadingThread::RunFirst() {
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  const bool closing = closing_;
  mutex_.Unlock();
  task(closing);
  task = nullptr;  // what it holds is freed without the lock
  mutex_.Lock();
}

}  // namespace onhook
