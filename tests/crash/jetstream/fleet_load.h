#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_LOAD_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/vendor_books.h"
#include "tests/support/raw_http_client.h"

namespace onhook {

// The vendor of a fleet of gateways: threads, each of which posts to one of them as a rule. What
// was not answered with retCode "0" is repeated, half of the time to another gateway. Some of what
// was is repeated too, at once or after hundreds of others, to another gateway; and some is posted
// to two of them at the same time.
//
// Each callback comes in by the source whose turn it is, and so do its repeats. Threads: its own,
// beside the owner's. Blocking: Finish(), and the destructor, until the answers under way have come
// or their connections have ended: ten seconds at most.
class FleetLoad {
 public:
  struct Options {
    int gateways = 2;
    int connections = 4;               // to each gateway, as a rule
    std::vector<std::string> sources;  // each is the name and, behind "/", the path
    int64_t callbacks = std::numeric_limits<int64_t>::max();  // distinct ones, at most
    int64_t each_second = 0;  // so many of them at most; zero: as fast as can be
    uint64_t seed = 0;
  };
  // What went elsewhere than the post before.
  struct Figures {
    int64_t posts = 0;
    int64_t repeats_elsewhere = 0;            // of what was not answered "0"
    int64_t accepted_repeated_elsewhere = 0;  // of what was
    int64_t doubled = 0;
  };

  // `ledger` must outlive it.
  FleetLoad(const Options& options, CallLedger* ledger);
  ~FleetLoad();

  // The gateway listens there from now on; 0: it is gone.
  void Lead(int gateway, int port);
  // Begins no further callback, and repeats those begun until each was accepted. False: not before
  // `timeout`.
  bool Finish(absl::Duration timeout);

  Figures figures() const;

 private:
  static constexpr int64_t kNone = -1;
  // A thread's connection to one gateway.
  struct Line {
    int port = 0;
    std::unique_ptr<RawHttpClient> connection;
  };
  struct Place {
    size_t own = 0;  // the gateway it posts to as a rule
    std::vector<Line> lines;
    int64_t under_way = kNone;
  };

  void Run(size_t place);
  // Posts until it was accepted, or the destructor has begun.
  void PostUntilAccepted(Place& place, int64_t number);
  void PostAgain(Place& place, int64_t number);
  CallbackAnswer Post(Place& place, size_t gateway, int64_t number);
  std::string RequestFor(int64_t number) const;
  int64_t NextNumber(size_t place);
  // What was accepted long ago and is to come again; kNone: nothing yet.
  int64_t TakeLate(int64_t number);
  size_t Another(size_t gateway);
  // A moment without work, unless the end comes or a gateway has come back.
  void Rest();
  uint64_t Draw();

  const Options options_;
  const SystemClock clock_;
  CallLedger* const ledger_;
  mutable absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> ports_ ABSL_GUARDED_BY(mutex_);  // by gateway
  std::vector<Place> places_;                       // each its thread's, but for under_way
  std::deque<int64_t> late_ ABSL_GUARDED_BY(mutex_);
  Figures figures_ ABSL_GUARDED_BY(mutex_);
  int64_t callbacks_left_ ABSL_GUARDED_BY(mutex_);
  absl::Duration next_at_ ABSL_GUARDED_BY(mutex_);
  int posting_ ABSL_GUARDED_BY(mutex_);
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_LOAD_H_
