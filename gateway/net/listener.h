#ifndef ONHOOK_GATEWAY_NET_LISTENER_H_
#define ONHOOK_GATEWAY_NET_LISTENER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/listening_socket.h"

namespace onhook {

// A listening socket that does not die without a word: connections are accepted by a thread of its
// own, the port is dialled by another, a dead listener is opened again, and one that cannot be
// brought back is given up within a time that its owner knows.
//
// It serves every port of the gateway: HTTP's, gRPC's (whose own acceptor, as Debian has it, goes
// silent for good once descriptors ran out), and Unix-domain sockets.
//
// Promises: as AcceptLoop and ListenerWatch say; the file of a Unix-domain socket too is made again
// when somebody removed it. Threads: one owner for Start and Stop; the callbacks come on the
// listener's own two threads, on_connection on one, or from Stop. Blocking: Stop, until both have
// ended.
class Listener {
 public:
  struct Options {
    // HOST:PORT, or "unix:/path" for a Unix-domain socket.
    std::string listen;
    // Of a Unix-domain socket's file: who may connect.
    int unix_mode = 0660;
    int backlog = 1024;
    // Set on every accepted socket; zero: none.
    absl::Duration receive_timeout;
    // As ListenerWatch::Options; an interval of zero: nobody dials.
    absl::Duration self_dial_interval = absl::Seconds(1);
    int self_dials_until_reopened = 4;
    int self_dials_until_given_up = 10;
  };
  struct Callbacks {
    // Owns `socket`. Must be quick.
    std::function<void(int socket, const Endpoint& peer)> on_connection;
    // The system has no descriptor for another connection: some should be closed. On both threads.
    std::function<void()> on_shortage;
    // May be empty. It has failed and is being opened again.
    std::function<void(const absl::Status& why)> on_failed;
    // May be empty. It does not come back.
    std::function<void(const absl::Status& why)> on_given_up;
  };

  // `component`, the log's, is a literal: "http", "delivery". `clock` and `log` must outlive it.
  Listener(absl::string_view component, Options options, Callbacks callbacks, const Clock* clock,
           const Log* log);
  ~Listener();  // stops

  // Errors: kInvalidArgument (no such form of address), kAlreadyExists (taken), kUnavailable. A
  // Unix-domain socket's file that nobody listens at is replaced; one that somebody does, is not.
  absl::Status Start();
  void Stop();

  int port() const;    // 0 for a Unix-domain socket
  bool alive() const;  // it listens, and answers when it is dialled

 private:
  class Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_NET_LISTENER_H_
