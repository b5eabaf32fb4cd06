#ifndef ONHOOK_TESTS_SUPPORT_CHAOS_PROXY_H_
#define ONHOOK_TESTS_SUPPORT_CHAOS_PROXY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// A network between a client and a server of this machine: TCP connections that are slow, break off
// in the middle of a message, or take bytes that nobody gets.
//
// What it does to whom is drawn from its seed. Threads: any; its own passes the bytes on.
// Blocking: the destructor, until its thread has ended. Errors: a server that is not there ends the
// connections that are led to it.
class ChaosProxy {
 public:
  enum Direction : size_t { kToServer, kToClient };
  enum class End { kFinish, kReset };  // FIN, RST

  // How bytes go in one direction.
  struct Weather {
    absl::Duration delay;          // each comes so much later
    int64_t bytes_per_second = 0;  // zero: as many as can
    // They are taken and go nowhere, the end of the connection too, as where a cable is cut. Of a
    // connection that lost something nothing goes through any more; it ends when its server ends
    // it.
    bool vanishes = false;
  };

  // What there was so far.
  struct Tally {
    int64_t connections = 0;
    int64_t bytes = 0;     // passed on
    int64_t cuts = 0;      // made
    int64_t vanished = 0;  // bytes that nobody got
  };

  // Listens on a free port of 127.0.0.1.
  explicit ChaosProxy(uint64_t seed);
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  int port() const { return port_; }
  // The port of 127.0.0.1 to which connections go that come from now on.
  void LeadTo(int server_port);

  // For about `percent` in a hundred of the connections that there are.
  void SetWeather(Direction direction, Weather weather, int percent);
  // For all, but those that have lost something: these are reset at both ends.
  void Clear();
  // Ends about `percent` in a hundred of them once up to `most_bytes` more have gone in that
  // direction: in the middle of a message.
  void Cut(Direction direction, End end, int64_t most_bytes, int percent);

  Tally tally() const;

 private:
  struct Piece {
    absl::Duration due;
    std::string bytes;
    size_t sent = 0;
  };
  // One direction of a connection.
  struct Pipe {
    int from = -1;
    int to = -1;
    Weather weather;
    std::deque<Piece> pieces;
    size_t held = 0;                // bytes in pieces
    absl::Duration may_send_at;     // within bytes_per_second
    std::optional<int64_t> cut_in;  // so many bytes
    End cut_end = End::kReset;
    bool lost = false;      // some vanished
    bool ended = false;     // nothing more comes
    bool finished = false;  // and that was passed on
  };
  struct Connection {
    int client = -1;
    int server = -1;
    std::array<Pipe, 2> pipes;  // by Direction
  };
  using Connections = std::list<Connection>;

  void Run();
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: the connection is over, and both its ends are closed.
  bool PassOn(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Receive(Connection& connection, Direction direction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Send(Pipe& pipe) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Close(Connection& connection, End end);
  // The time until something is due; negative: nothing is.
  int TimeoutMs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Chance(int percent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(random_() % 100) < percent;
  }
  void Wake() const;

  const SystemClock clock_;
  const int listener_;
  const int wake_;  // an eventfd
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  int server_port_ ABSL_GUARDED_BY(mutex_) = 0;
  Connections connections_ ABSL_GUARDED_BY(mutex_);
  Tally tally_ ABSL_GUARDED_BY(mutex_);
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_CHAOS_PROXY_H_
