#include "gateway/base/periodic_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace onhook {
namespace {

constexpr absl::Duration kLongest = absl::Hours(365 * 24);

}  // namespace

PeriodicThread::PeriodicThread(absl::Duration interval, std::function<void()> turn)
    : interval_(interval),
      turn_(std::move(turn)),
      stopped_(stop_.get_future()),
      thread_([this] { Run(); }) {}

PeriodicThread::~PeriodicThread() { Stop(); }

void PeriodicThread::Stop() {
  if (!stopping_.exchange(true)) stop_.set_value();
  if (thread_.joinable()) thread_.join();
}

void PeriodicThread::Run() {
  // No longer than what can be added to a clock.
  const auto interval = absl::ToChronoNanoseconds(std::min(interval_, kLongest));
  while (true) {
    const auto until = std::chrono::steady_clock::now() + interval;
    if (stopped_.wait_until(until) == std::future_status::ready) return;
    turn_();
  }
}

}  // namespace onhook
