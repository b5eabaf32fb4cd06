#ifndef ONHOOK_TESTS_BENCH_SLOW_CROWD_H_
#define ONHOOK_TESTS_BENCH_SLOW_CROWD_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace onhook {

// Connections that take up room at an HTTP server of this machine for as long as they can: a third
// sends nothing, a third a head and a third a body, a byte now and then. One that the server ends
// is opened again at once.
//
// Threads: one owner. Blocking: the destructor, for a moment. Errors: a connection that cannot be
// opened is tried again.
class SlowCrowd {
 public:
  struct Options {
    int port = 0;
    int of_many = 1000;  // connections from several addresses, 127.0.1.*
    int of_one = 1100;   // connections from 127.0.2.1
  };

  // Returns when each connection has been opened once.
  explicit SlowCrowd(const Options& options);
  ~SlowCrowd();
  SlowCrowd(const SlowCrowd&) = delete;
  SlowCrowd& operator=(const SlowCrowd&) = delete;

  // How often the server has ended one of them.
  int64_t ended() const { return ended_; }

 private:
  struct Member {
    std::string address;
    int kind = 0;
    int socket = -1;
  };

  void Open(Member& member) const;
  // Sends what a member of its kind sends now and then.
  void Step(Member& member);
  void Run();

  const Options options_;
  std::vector<Member> members_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> ended_{0};
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_SLOW_CROWD_H_
