#ifndef ONHOOK_GATEWAY_NET_ACCEPT_LOOP_H_
#define ONHOOK_GATEWAY_NET_ACCEPT_LOOP_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
#include "gateway/net/listening_socket.h"

namespace onhook {

// Takes the connections that come to a listening socket.
//
// Beside cpp-httplib's own loop, because that one asks again every microsecond once descriptors
// have run out, tells nobody, and ends at an error that concerned one connection only.
//
// Threads: Run() one; Stop() any. Blocking: Run(), until it is stopped or the socket fails.
class AcceptLoop {
 public:
  struct Callbacks {
    // Owns `socket`: blocking, with TCP_NODELAY and the receive timeout. Must be quick. Perhaps on
    // two threads at once, when the loop is being stopped.
    std::function<void(int socket, const Endpoint& peer)> on_connection;
    // The system has no descriptor or no memory for another connection. Called before each pause;
    // the connections wait in the socket's backlog meanwhile.
    std::function<void()> on_shortage;
  };

  AcceptLoop(absl::Duration receive_timeout, Callbacks callbacks);

  // Serves `listener`, which stays the caller's. OK: stopped. kUnavailable: the socket takes no
  // connection any more; another may be given to Run().
  absl::Status Run(int listener);

  // Ends Run(), now or as soon as it begins, and with it the listening. The connections that have
  // come, and that nobody has taken yet, are handed over first, on this thread: their peers may
  // have sent already, and would be reset. Needs no descriptor. A second call does nothing.
  void Stop();

 private:
  void Take(int socket, const Endpoint& peer) const;
  void Pause();
  void TakeWhatHasCome(int listener) const;

  const absl::Duration receive_timeout_;
  const Callbacks callbacks_;
  SteadyNotification stop_;
  absl::Mutex mutex_;
  int listener_ ABSL_GUARDED_BY(mutex_) = -1;  // while Run() serves it
  int stopping_ ABSL_GUARDED_BY(mutex_) = 0;   // calls of Stop() under way
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_NET_ACCEPT_LOOP_H_
