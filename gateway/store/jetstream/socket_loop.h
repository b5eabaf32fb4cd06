#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// A thread that says when a socket can be read from and written to.
//
// Promises: both are called on its thread only, and only while they are wanted; now and then for
// nothing. Threads: any. Blocking: only the destructor, for a call under way; not from a call.
// Errors: a machine without a file descriptor left is false from ok().
class SocketLoop {
 public:
  SocketLoop(std::function<void()> readable, std::function<void()> writable);
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

  const std::function<void()> readable_;
  const std::function<void()> writable_;
  const int wake_;  // an eventfd
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  int socket_ ABSL_GUARDED_BY(mutex_) = -1;
  bool reads_ ABSL_GUARDED_BY(mutex_) = false;
  bool writes_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SOCKET_LOOP_H_
