#ifndef ONHOOK_GATEWAY_NET_LISTENER_WATCH_H_
#define ONHOOK_GATEWAY_NET_LISTENER_WATCH_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
#include "gateway/net/listening_socket.h"

namespace onhook {

// Notices that a listener accepts nothing any more, by dialling it: a lack of descriptors, a lost
// address or a stuck thread says nothing by itself, and an open port proves nothing, since the
// kernel completes connections that nobody takes.
//
// Promises:
//   - A dial has succeeded when Accepted() has been told of it; then, or when any other connection
//     was accepted meanwhile, the listener is alive.
//   - Dials need no descriptor but the one that Start() took, so the watch works when there are
//     none. Of a Unix-domain socket each needs one of its own; without it nobody is dialled, which
//     is the silence that it then is: who cannot dial cannot accept.
//   - Silence is counted in dials, so a process that was stopped for a while is not found dead.
// Threads: Start() and Stop() one owner; Accepted() any. The callbacks are called on the watch's
// own thread. Blocking: Stop(), until a callback under way has returned.
class ListenerWatch {
 public:
  struct Options {
    absl::Duration interval;  // from one dial to the next, and how long each may take
    int silent_after;         // dials in a row that nobody took
    int given_up_after;       // the same, counted from the first
  };
  struct Callbacks {
    std::function<void()> on_silent;    // once per silence
    std::function<void()> on_heard;     // a connection was accepted after on_silent
    std::function<void()> on_given_up;  // once per silence, after on_silent
    std::function<void()> on_shortage;  // there is no socket to dial with; each time; may be empty
  };

  ListenerWatch(Options options, Callbacks callbacks);
  // Stops.
  ~ListenerWatch();

  // Watches whoever listens where the socket `listener` does now. kUnavailable: no socket can be
  // had to dial with.
  absl::Status Start(int listener);
  void Stop();

  // Told of every accepted connection. True: it is the watch's own, has served its purpose, and
  // should be closed.
  bool Accepted(const Endpoint& peer);

 private:
  void Watch();
  // Whether the listener took a connection, this one or another, within the interval.
  bool Dial();
  // Has a socket that is bound to an address of its own, which it returns; none: it has not.
  Endpoint Bind();
  // Makes the socket one that can be bound and connected again, or lets go of it.
  void Release();
  bool is_unix() const { return target_.ss_family == AF_UNIX; }

  const Options options_;
  const Callbacks callbacks_;
  sockaddr_storage target_{};
  socklen_t target_size_ = 0;
  int socket_ = -1;  // of the watch's thread once that runs; -1: no dial of a Unix-domain socket
  std::thread thread_;

  absl::Mutex mutex_;
  SteadyCondition changed_;               // heard_ or stopping_
  Endpoint own_ ABSL_GUARDED_BY(mutex_);  // this end of the dial under way
  bool heard_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_NET_LISTENER_WATCH_H_
