#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_OPEN_REQUESTS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_OPEN_REQUESTS_H_

#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/nats_connection.h"

namespace onhook {

// The requests of a connection that wait for their answer, by number.
//
// Promises: each is given out once, whichever of answer, lateness and the connection's end comes
// first. Threads: any. Blocking: never. Errors: none.
class OpenRequests {
 public:
  // `deadline` is of Clock::Elapsed().
  uint64_t Add(absl::Duration deadline, NatsConnection::Reply reply);

  // Null: it was given out already.
  NatsConnection::Reply Take(uint64_t number);
  // Those whose deadline is not after `now`. Costs next to nothing while there are none.
  std::vector<NatsConnection::Reply> TakeLate(absl::Duration now);
  std::vector<NatsConnection::Reply> TakeAll();

 private:
  struct Open {
    absl::Duration deadline;
    NatsConnection::Reply reply;
  };

  absl::Mutex mutex_;
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, Open> open_ ABSL_GUARDED_BY(mutex_);
  // None is late before.
  absl::Duration earliest_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_OPEN_REQUESTS_H_
