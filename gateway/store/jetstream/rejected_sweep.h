#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_SWEEP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_SWEEP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/stream_follower.h"

namespace onhook {

// Reads a whole stream once more, to find which of the messages that are known are gone.
//
// Why: who follows a stream is told of what comes, and of nothing that is deleted.
// Threads: callbacks come one at a time, from the connection's threads; they must not block. All
// else from one. Blocking: only the destructor, for a call under way.
class RejectedSweep {
 public:
  using Sequences = absl::flat_hash_set<int64_t>;
  struct Callbacks {
    std::function<void(const StreamMessage&)> message;
    // All was read, once: what was there when the reading began, and is not among `seen`, is gone.
    std::function<void(const Sequences& seen)> done;
  };

  // All must outlive it. It begins at once.
  RejectedSweep(JetStreamApi* api, const std::string& stream, Callbacks callbacks,
                const Clock* clock, const Log* log);

  bool done() const { return done_; }
  // As StreamFollower's.
  void Tick() { follower_->Tick(); }

 private:
  const Callbacks callbacks_;
  std::atomic<bool> done_{false};
  Sequences seen_;  // of the callbacks, which come one at a time
  std::unique_ptr<StreamFollower> follower_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_SWEEP_H_
