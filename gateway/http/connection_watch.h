#ifndef ONHOOK_GATEWAY_HTTP_CONNECTION_WATCH_H_
#define ONHOOK_GATEWAY_HTTP_CONNECTION_WATCH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/http/connection.h"

namespace onhook {

// Calls `work` once, before it returns. Within it a thread may do what is cheaper done together.
using Together = std::function<void(absl::FunctionRef<void()> work)>;

// Watches connections that wait for their peers, with a few threads for all of them.
//
// Why not a thread for each: under load most of what a callback costs is the putting to sleep and
// waking of threads, and here one waking serves all connections that have been sent something.
//
// Promises: a connection that is watched is taken once, by one thread, and then watched again only
// when somebody says so. Threads: any. Blocking: the destructor, until the threads have ended.
class ConnectionWatch {
 public:
  struct Callbacks {
    // The connection has been sent something, or its end. It is the callee's now.
    std::function<void(Connection* connection)> take;
    // May be empty. Everything that is there to be taken at one moment is taken within one call.
    Together together;
    // Called now and then, at least once a second, by one of the threads; says how long until the
    // next time.
    std::function<absl::Duration()> look;
  };

  // `clock` must outlive this.
  ConnectionWatch(int threads, Callbacks callbacks, const Clock* clock);
  // No connection may be watched any more.
  ~ConnectionWatch();

  // Errors: kUnavailable (the system has no descriptor for it).
  absl::Status Start();

  // From now on, until it is taken; the caller has it no more. False: the system refuses, so it is
  // the caller's still. `is_new`: it was never watched.
  bool Watch(Connection* connection, bool is_new);

 private:
  void Run();
  void Look();

  const int thread_count_;
  const Callbacks callbacks_;
  const Clock* const clock_;
  std::atomic<int64_t> next_look_ns_{0};  // of Clock::Elapsed()
  int epoll_ = -1;
  int end_ = -1;  // readable once the threads are to end
  std::vector<std::thread> threads_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_WATCH_H_
