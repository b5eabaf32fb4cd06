#ifndef ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_
#define ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/callback_request.h"

namespace onhook {

// What a run of the load generator saw.
struct LoadResult {
  int64_t accepted = 0;       // 200 with retCode "0"
  int64_t not_forwarded = 0;  // 503 with retCode "2"
  int64_t refused = 0;        // any other answer
  int64_t lost = 0;           // connections that failed, or ended under a request
  absl::Duration elapsed;
  absl::Duration cpu;  // the generator's own
  // Of every answer, from the post (or, with a rate, from when it was due) to its last byte;
  // sorted.
  std::vector<absl::Duration> latencies;

  int64_t errors() const { return not_forwarded + refused + lost; }
  double requests_per_second() const;
  // The latency that this fraction of the answers stayed within; zero if there was none.
  absl::Duration Percentile(double fraction) const;
};

// Posts callbacks over keep-alive connections, from one thread and cheaply, because it shares the
// processors with what it measures.
//
// The connections are opened by the first run and stay open for the following ones.
// Threads: one. Blocking: Run(), for the time it is given and the answers then under way.
// Errors: counted in the result. A connection that fails is opened again.
class LoadGenerator {
 public:
  struct Options {
    int port = 0;
    int connections = 64;
    // Callbacks a second over all connections; 0: each connection posts its next one as soon as it
    // has its answer.
    double rate = 0;
    // At most so many posts in a run.
    int64_t posts = INT64_MAX;
    // Every post is the very same callback.
    bool same_body = false;
    // The number in the first callSerialNo, so that a store may hold events from before.
    int64_t first_number = 0;
    // Further connections that never send anything, opened again when the server has enough of
    // them.
    int idle_connections = 0;
  };

  explicit LoadGenerator(const Options& options);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  LoadResult Run(absl::Duration duration);

  // Distinct callbacks posted in all runs; the numbers in their callSerialNo go on from
  // first_number.
  int64_t callbacks() const { return next_number_ - options_.first_number; }

 private:
  struct Connection {
    int socket = -1;
    bool idle = false;
    bool waiting = false;  // for an answer
    absl::Time sent_at;
    std::string received;
  };

  void Open(size_t index);
  void PostWhereDue(LoadResult& result);
  void Post(size_t index, LoadResult& result);
  void TakeEvents(int timeout_ms, LoadResult& result);
  void Receive(size_t index, LoadResult& result);
  void Lose(size_t index, LoadResult& result);
  bool MayPost() const;
  int64_t PostsDue() const;

  const Options options_;
  const int epoll_;
  CallbackRequest request_;
  std::vector<Connection> connections_;
  std::vector<size_t> ready_;  // connections without a request under way
  std::array<epoll_event, 256> events_;
  int64_t next_number_;
  int64_t posted_ = 0;  // in this run
  int waiting_ = 0;
  absl::Time started_;
  absl::Time deadline_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_
