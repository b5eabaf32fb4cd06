#include "gateway/base/periodic_thread.h"

#include <chrono>
#include <utility>

namespace onhook {

PeriodicThread::PeriodicThread(absl::Duration interval, std::function<void()> turn)
    : interval_(interval), turn_(std::move(turn)), thread_([this] { Run(); }) {}

PeriodicThread::~PeriodicThread() { Stop(); }

void PeriodicThread::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  stops_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PeriodicThread::Run() {
  while (true) {
    {
      const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(interval_);
      std::unique_lock<std::mutex> lock(mutex_);
      if (stops_.wait_until(lock, until, [this] { return stopped_; })) return;
    }
    turn_();
  }
}

}  // namespace onhook
