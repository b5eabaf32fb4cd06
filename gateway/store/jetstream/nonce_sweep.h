#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_SWEEP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_SWEEP_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/nonce_horizons.h"
#include "gateway/store/jetstream/postponed_work.h"
#include "gateway/store/jetstream/stream_pages.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// Forgets nonces when `memory` has passed since they were bound, and since their own time: raises
// the horizons of their sources first, and removes them `remove_after` later. See
// jetstream_nonces.h.
//
// A round reads the nonces that are old, from the oldest on. Of each source those go that lie
// before the first one whose own time is not over yet: one from far ahead keeps what came after it.
// Any number of gateways may do it; each waits a random while for the others to do it first.
//
// Threads: any. Blocking: never. Errors: none; what fails is tried again in the next round.
class NonceSweep {
 public:
  // All must outlive it, and the connection be closed before it goes.
  NonceSweep(JetStreamApi* api, const Subjects& subjects, const NoncePace& pace,
             absl::Duration memory, absl::Duration request_timeout, NonceHorizons* horizons,
             const CautiousClock* clock, const Log* log);

  // Another memory holds from the next round on.
  void SetMemory(absl::Duration memory) {
    memory_ms_.store(absl::ToInt64Milliseconds(memory), std::memory_order_relaxed);
  }

  // Does what is due. To be called every 100 ms or so.
  void Tick();
  void Close();

 private:
  // What of a source may go.
  struct Part {
    int64_t through = 0;  // sequence of the last one
    int64_t horizon = NonceHorizons::kNothingForgotten;
    int64_t nonces = 0;
    bool ended = false;  // what comes behind stays
  };
  struct Round {
    absl::Time now;
    absl::Duration memory;
    absl::Duration patience;
    int64_t after = 0;                  // has read so far
    std::map<std::string, Part> parts;  // by the source's token
  };
  using RoundPtr = std::shared_ptr<Round>;

  void Read(const RoundPtr& round);
  // False: what comes is younger.
  bool Take(const StreamMessage& message, Round& round) const;
  void Raise(const RoundPtr& round);
  // Removes what may go of the sources behind that one.
  void Remove(const RoundPtr& round, const std::string& source);
  void EndRound();

  JetStreamApi* const api_;
  const Subjects subjects_;
  const NoncePace pace_;
  NonceHorizons* const horizons_;
  const CautiousClock* const clock_;
  const Log* const log_;
  std::atomic<int64_t> memory_ms_;
  PostponedWork postponed_;
  StreamPages pages_;

  absl::Mutex mutex_;
  bool in_round_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration next_round_ ABSL_GUARDED_BY(mutex_);  // on Elapsed()
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_SWEEP_H_
