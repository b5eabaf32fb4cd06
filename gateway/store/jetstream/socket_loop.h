#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// A thread that says when a socket can be read from and written to, and when there was nothing to
// read for long.
//
// Promises: all are called on its thread only, and only while they are wanted; `readable` and
// `writable` now and then for nothing. Threads: any. Blocking: only the destructor, for a call
// under way; not from a call. Errors: a machine without a file descriptor left is false from ok().
class SocketLoop {
 public:
  struct Callbacks {
    std::function<void()> readable;
    std::function<void()> writable;
    // Nothing was to be read for kQuietIntervals, at least the last two of them whole. However long
    // the process was stopped for counts as one.
    std::function<void()> quiet;
  };
  static constexpr int kQuietIntervals = 3;

  SocketLoop(Callbacks callbacks, absl::Duration quiet_interval);
  ~SocketLoop();
  SocketLoop(const SocketLoop&) = delete;
  SocketLoop& operator=(const SocketLoop&) = delete;

  bool ok() const { return wake_ >= 0; }

  // Whose socket it is; -1: none any more.
  void Watch(int socket);
  void WantReads(bool want);
  void WantWrites(bool want);

 private:
  void Run();
  void Wake();
  void EndInterval();

  const Callbacks callbacks_;
  const absl::Duration quiet_interval_;
  const SystemClock clock_;
  const int wake_;  // an eventfd
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  int socket_ ABSL_GUARDED_BY(mutex_) = -1;
  bool reads_ ABSL_GUARDED_BY(mutex_) = false;
  bool writes_ ABSL_GUARDED_BY(mutex_) = false;
  // Of Run.
  absl::Duration interval_ends_at_;
  int quiet_intervals_ = 0;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_
