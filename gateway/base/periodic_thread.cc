#include "gateway/base/periodic_thread.h"

#include <utility>

#include "absl/time/clock.h"

namespace onhook {

PeriodicThread::PeriodicThread(absl::Duration interval, std::function<void()> turn)
    : interval_(interval), turn_(std::move(turn)), thread_([this] { Run(); }) {}

PeriodicThread::~PeriodicThread() { Stop(); }

void PeriodicThread::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    stops_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void PeriodicThread::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const absl::Time until = absl::Now() + interval_;
      while (!stopped_ && !stops_.WaitWithDeadline(&mutex_, until)) {
      }
      if (stopped_) return;
    }
    turn_();
  }
}

}  // namespace onhook
