#ifndef ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_
#define ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
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
  // Connections that failed, or ended under a request; posts that had no answer at the end.
  int64_t lost = 0;
  absl::Duration elapsed;
  absl::Duration cpu;  // the generator's own
  // With a rate: how late the generator itself was at worst, when a post was due and a connection
  // free for it. Latencies count from when a post was due, so they hold it too; results in which it
  // is no small part of them are the generator's and not the server's.
  absl::Duration behind;
  // Of every post, from its beginning (or, with a rate, from when it was due) to the last byte of
  // its answer; sorted. One that was lost with its connection and posted again counts from its
  // first beginning, and one without an answer until the end of the run.
  std::vector<absl::Duration> latencies;

  int64_t errors() const { return not_forwarded + refused + lost; }
  double requests_per_second() const;
  // The latency that this fraction of the answers stayed within; zero if there was none.
  absl::Duration Percentile(double fraction) const;
};

// Posts callbacks over keep-alive connections, from one thread and cheaply, because it shares the
// processors with what it measures.
//
// With a rate it is an open model: posts are due by the clock, however slow the answers are. One
// that finds no free connection waits for one and is posted late, after the end of the run if need
// be, and its waiting is in the latencies: a server that stalls cannot hide whom it kept waiting.
//
// The connections are opened by the first run and stay open for the following ones.
// Threads: one, but for Stop(). Blocking: Run(), for the time it is given and the answers then
// under way. Errors: counted in the result. A connection that fails is opened again, and its post
// made again.
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
    size_t body_bytes = 0;  // as CallbackRequest's
    // Answers still missing so long after the end of a run count as lost.
    absl::Duration last_answers = absl::Seconds(5);
  };

  explicit LoadGenerator(const Options& options);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  LoadResult Run(absl::Duration duration);
  // From any thread: the run under way, or the next, ends now. What is due by then is still posted.
  void Stop() { stopping_ = true; }

  // Distinct callbacks posted in all runs; the numbers in their callSerialNo go on from
  // first_number.
  int64_t callbacks() const { return next_number_ - options_.first_number; }

 private:
  // One callback on its way to an answer.
  struct Posting {
    int64_t number = 0;
    absl::Time since;  // what its latency counts from
  };
  struct Connection {
    int socket = -1;
    bool idle = false;
    bool waiting = false;  // for an answer
    Posting posting;
    std::string received;
  };

  void Open(size_t index);
  void OpenClosed();
  void PostWhereDue(LoadResult& result);
  Posting NextPosting(LoadResult& result);
  void Post(size_t index, const Posting& posting, LoadResult& result);
  // Blocking: until something came, the next post is due, or a moment has passed.
  void TakeEvents(LoadResult& result);
  void Receive(size_t index, LoadResult& result);
  void Lose(size_t index, LoadResult& result);
  void Free(size_t index);
  // What has no answer at the end of a run.
  void GiveUp(LoadResult& result);
  bool HasPosts() const;
  // Sets when the run ends, and with a rate the posts that are due by then.
  void EndAt(absl::Time end);
  // When the post of this number, counted in this run, is due.
  absl::Time DueAt(int64_t post) const;

  const Options options_;
  const int epoll_;
  std::atomic<bool> stopping_{false};
  CallbackRequest request_;
  std::vector<Connection> connections_;
  std::vector<size_t> ready_;  // connections without a request under way
  absl::Time ready_since_;     // since when there is one
  std::deque<Posting> again_;  // whose connections were lost
  std::array<epoll_event, 256> events_;
  int64_t next_number_;
  int64_t posted_ = 0;  // in this run
  int64_t posts_ = 0;   // of this run
  int waiting_ = 0;
  absl::Time started_;
  absl::Time deadline_;
  absl::Time opened_at_;  // when closed connections were last tried
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_LOAD_GENERATOR_H_
