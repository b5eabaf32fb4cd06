#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUARANTINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/nats_connection.h"
#include "gateway/store/jetstream/rejected_index.h"
#include "gateway/store/jetstream/rejected_sweep.h"
#include "gateway/store/jetstream/remove_messages.h"
#include "gateway/store/jetstream/stream_follower.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/store_limits.h"

namespace onhook {

// The Quarantine in a stream that several gateways share.
//
// Each callback is one message, on a subject that is made of its source, reason and body; the
// servers take it only if there is none on that subject (R2, over all gateways). Its id is its
// sequence. An index in memory, which follows the stream, knows all but the bodies.
//
// What of the promises is this engine's own:
//   R1  As durable as the servers make it. After kUnavailable it may have been kept all the same;
//       then it is listed, and the vendor's repeat finds it.
//   R3  Every gateway removes what is beyond the limits; what several are about to remove goes
//       once, and is counted where it was removed, or, if the answer was lost, nowhere.
//   R4  What Discard reported, at whichever gateway, is in no listing of that gateway from then on.
//       The other gateways are told at once, and leave it out as soon as they have heard it; one
//       that could not be told finds out by itself within some minutes: it compares every ten
//       seconds how many there are, and reads the stream anew if that differs. Until then what it
//       does not know to be gone counts towards its limit. After an error some of the ids may have
//       been discarded; asked for again, they are among those that are not there.
// Listing and measuring tell nothing of what is about to be removed. One that is damaged is listed,
// and can be discarded; Get says kDataLoss, and an equal one takes its place.
// Threads: any, but for those of the store's. Callbacks come from the connection's threads or the
// caller's. Blocking: never, but Begin, Close and the destructor.
class JetStreamQuarantine final : public Quarantine {
 public:
  // All must outlive it.
  JetStreamQuarantine(JetStreamApi* api, const Subjects& subjects, const QuarantineOptions& options,
                      const Clock* clock, const CautiousClock* cautious_clock, const Log* log);
  // Waits for what is under way; the connection answers it, at the latest when it is closed.
  ~JetStreamQuarantine() override;

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override;
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override;
  void Get(int64_t id, Done<RejectedCallback> done) override;
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override;
  void Measure(Done<QuarantineSize> done) override;
  int64_t largest_body() const override;
  int64_t removed_by_limit() const override {
    return removed_by_age() + removed_by_size_.load(std::memory_order_relaxed);
  }
  int64_t removed_by_age() const override {
    return removed_by_age_.load(std::memory_order_relaxed);
  }

  // --- for the store that owns it; Begin, Tick and Close are called one at a time

  // Reads the stream, of which `info` tells. To be called first. Blocking: until all of it is
  // known, and fits what the servers count, or has had some seconds for it. Errors: kUnavailable
  // (the reading took too long).
  absl::Status Begin(const StreamInfo& info);
  // Looks after the reading, and once a second after the limits. To be called every 100 ms or so.
  void Tick();
  // Others hold from now on; what is beyond them goes in the course of the next ticks. Threads:
  // any.
  void SetLimits(const QuarantineOptions& options);
  // Everything is answered kUnavailable from now on. Idempotent. Blocking: for a call under way.
  void Close();

 private:
  struct Keeping;
  struct Listing;

  void Publish(std::shared_ptr<Keeping> keeping);
  void FindEqual(std::shared_ptr<Keeping> keeping);
  void ReplaceDamaged(std::shared_ptr<Keeping> keeping, int64_t id);
  void NoteKept(const Keeping& keeping, int64_t id);
  void AskAndList(std::shared_ptr<Listing> listing);

  // Deletes what has been taken out of the index, and tells the other gateways.
  void Remove(std::vector<int64_t> ids, std::function<void(RemovedMessages)> done);
  void NoteRemoved(const RemovedMessages& messages);
  void Tell(const std::vector<int64_t>& removed);
  void HearDiscarded(const NatsMessage& message);
  void CountRemoved(size_t count, std::atomic<int64_t>& removed);

  void AwaitAgreement();
  void Add(const StreamMessage& message);
  void Trim();
  void Compare();
  void Judge(const StreamInfo& info);
  void LookAfterSweep();
  void NoteSwept(int64_t through, const RejectedSweep::Sequences& seen);

  JetStreamApi* const api_;
  const Subjects subjects_;
  const Clock* const clock_;
  const CautiousClock* const cautious_clock_;
  const Log* const log_;
  Exchangeable<QuarantineOptions> options_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> trimming_{false};
  std::atomic<int64_t> removed_by_age_{0};
  std::atomic<int64_t> removed_by_size_{0};
  LogThrottle removals_;

  absl::Mutex mutex_;
  SteadyCondition changed_;
  RejectedIndex index_ ABSL_GUARDED_BY(mutex_);
  bool complete_ ABSL_GUARDED_BY(mutex_) = false;  // all there was at the beginning is known
  // How often in a row the index and the stream differed, and the index's changes at the last time.
  int doubts_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t doubted_at_ ABSL_GUARDED_BY(mutex_) = -1;
  int64_t sweep_through_ ABSL_GUARDED_BY(mutex_) = 0;  // one is wanted; 0: none

  // --- of the thread that ticks
  std::unique_ptr<NatsSubscription> discarded_;
  std::unique_ptr<StreamFollower> follower_;
  std::unique_ptr<RejectedSweep> sweep_;
  absl::Duration trimmed_at_;
  absl::Duration compared_at_;

  // What is under way holds it; the last one to let go of it notifies `idle_`.
  SteadyNotification idle_;
  std::shared_ptr<void> work_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUARANTINE_H_
