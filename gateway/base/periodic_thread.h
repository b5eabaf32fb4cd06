#ifndef ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_
#define ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "absl/time/time.h"

namespace onhook {

// A thread that does one thing every now and then. The interval is counted from the end of one turn
// to the beginning of the next, by a clock that nobody sets.
//
// Why not absl's waiting: its time limits are times of the day. When the machine's clock is put
// back by an hour, as it may be when a machine that starts hears of the time, it waits for that
// hour. Threads: Stop from any but its own. Blocking: Stop waits for the turn under way.
class PeriodicThread {
 public:
  PeriodicThread(absl::Duration interval, std::function<void()> turn);
  ~PeriodicThread();  // stops

  // No turn begins any more. Idempotent.
  void Stop();

 private:
  void Run();

  const absl::Duration interval_;
  const std::function<void()> turn_;
  std::atomic<bool> stopping_{false};
  std::promise<void> stop_;
  const std::future<void> stopped_;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_
