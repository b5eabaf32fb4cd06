#include "gateway/store/spool/patience.h"

namespace onhook {

Patience::Patience(absl::Duration patience, std::function<void(absl::FunctionRef<void()>)> together)
    : patience_(patience), together_(std::move(together)), thread_([this] { Loop(); }) {}

Patience::~Patience() { Stop(); }

std::shared_ptr<Patience::Wait> Patience::Begin(std::function<void()> give_up) {
  auto wait = std::make_shared<Wait>();
  wait->give_up_ = std::move(give_up);
  absl::MutexLock lock(&mutex_);
  // With the lock, so that they lie in order.
  wait->deadline_ = clock_.Elapsed() + patience_;
  waits_.push_back(wait);
  if (waits_.size() == 1) wake_.Signal();
  return wait;
}

void Patience::Run(std::function<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopped_) {
      work_.push_back(std::move(work));
      wake_.Signal();
      return;
    }
  }
  work();
}

void Patience::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<std::function<void()>> Patience::TakeDue(absl::Duration now) {
  std::vector<std::function<void()>> due = std::move(work_);
  work_.clear();
  while (!waits_.empty()) {
    Wait& wait = *waits_.front();
    if (!wait.taken_ && wait.deadline_ > now && !stopping_) break;
    if (wait.Take()) due.push_back(std::move(wait.give_up_));
    waits_.pop_front();
  }
  return due;
}

void Patience::Loop() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    const absl::Duration now = clock_.Elapsed();
    const std::vector<std::function<void()>> due = TakeDue(now);
    if (!due.empty()) {
      mutex_.Unlock();
      together_([&due] {
        for (const std::function<void()>& work : due) work();
      });
      mutex_.Lock();
    } else if (stopping_) {
      stopped_ = true;
      return;
    } else if (waits_.empty()) {
      wake_.Wait(&mutex_);
    } else {
      wake_.WaitFor(&mutex_, waits_.front()->deadline_ - now);
    }
  }
}

}  // namespace onhook
