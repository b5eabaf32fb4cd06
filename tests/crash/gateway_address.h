#ifndef ONHOOK_TESTS_CRASH_GATEWAY_ADDRESS_H_
#define ONHOOK_TESTS_CRASH_GATEWAY_ADDRESS_H_

#include <optional>

#include "absl/synchronization/mutex.h"

namespace onhook {

// Where the gateway listens at the moment. It has other ports after each start, and whoever talked
// to it waits here for the new ones. Threads: any.
class GatewayAddress {
 public:
  struct Ports {
    int generation = 0;  // counts the starts, from 1
    int http = 0;
    int grpc = 0;
  };

  void Publish(int http, int grpc) {
    absl::MutexLock lock(&mutex_);
    ports_ = {ports_.generation + 1, http, grpc};
  }

  // Whoever connects from now on is led elsewhere, as by a service that a gateway was taken out of.
  void Withdraw() {
    absl::MutexLock lock(&mutex_);
    withdrawn_ = ports_.generation;
  }

  // Whether a new connection still leads to the gateway of that start.
  bool LeadsTo(int generation) const {
    absl::MutexLock lock(&mutex_);
    return generation > withdrawn_;
  }

  // There will be no further start.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }

  // The ports of a start later than `generation`; nothing after Close(). Blocking: until then.
  std::optional<Ports> WaitForLaterThan(int generation) const {
    absl::MutexLock lock(&mutex_);
    const auto known = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return closed_ || ports_.generation > generation;
    };
    mutex_.Await(absl::Condition(&known));
    if (closed_) return std::nullopt;
    return ports_;
  }

 private:
  mutable absl::Mutex mutex_;
  Ports ports_ ABSL_GUARDED_BY(mutex_);
  int withdrawn_ ABSL_GUARDED_BY(mutex_) = 0;  // this start, and those before it
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_GATEWAY_ADDRESS_H_
