#ifndef ONHOOK_TESTS_BENCH_STALLING_SERVER_H_
#define ONHOOK_TESTS_BENCH_STALLING_SERVER_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace onhook {

// Answers callbacks with success, at once and from one thread, but for one of them, at which it
// stops for a known time: what a load generator has to notice.
//
// Threads: one owner. Blocking: the destructor, for a moment.
class StallingServer {
 public:
  struct Options {
    int64_t stalls_at = INT64_MAX;  // the request of this number, from 1
    absl::Duration stall;           // then nothing is read, answered or accepted for so long
    bool closes = false;            // that request is not answered: its connection is closed first
  };

  explicit StallingServer(const Options& options);
  ~StallingServer();
  StallingServer(const StallingServer&) = delete;
  StallingServer& operator=(const StallingServer&) = delete;

  int port() const { return port_; }

 private:
  struct Connection {
    int socket = -1;
    std::string received;
  };

  void Serve();
  // Whether it was told to stop before `timeout_ms`, which is that of poll().
  bool StopsWithin(int timeout_ms) const;
  // False: the connection has ended.
  bool Take(Connection& connection);

  const Options options_;
  int listener_;
  int stop_;  // an eventfd
  int port_ = 0;
  int64_t requests_ = 0;
  std::vector<Connection> connections_;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_STALLING_SERVER_H_
