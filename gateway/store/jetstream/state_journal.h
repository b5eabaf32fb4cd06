#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_STATE_JOURNAL_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_STATE_JOURNAL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/sequence_marks.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/jetstream/stream_follower.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// What all gateways write about the subscriptions, in the one order that the servers gave it.
//
// Why: the servers' consumers know what was acknowledged, but not what was parked, skipped, tried
// or redriven, they tell nobody of it, and with one replica they remember it late. So the truth
// about a subscription is this journal, which every gateway reads from its beginning and applies
// in the same order to the same rules.
//
// Promises: every record is applied once, in order. What this gateway wrote is `done` with OK once
// it was applied here and is stored as the servers store; with an error it was not applied yet, and
// may be applied all the same, later, as if another gateway had written it.
// Threads: any. Records are applied one at a time on the connection's threads; `done` comes from
// these, from a timer or from Close; from within the call once closed, and for what cannot be
// (kInternal; it is not written). Answers to what was written still come after Close: the
// connection is to be closed before this is destroyed. Blocking: AwaitBeginning, Close, for a
// record that is being applied.
class StateJournal {
 public:
  using Changes = jetstream::SubscriptionChanges;
  // `place`: the record's sequence. `number`: of this gateway's own write that nobody was told of
  // yet, or 0.
  using Apply = std::function<void(int64_t place, const Changes& changes, int64_t number)>;
  using Done = std::function<void(const absl::Status&)>;

  // `writer`: names this process, at random. All must outlive it.
  StateJournal(JetStreamApi* api, Subjects subjects, uint64_t writer, const Clock* clock,
               const Log* log);
  ~StateJournal();

  // The stream seems to have lost its end, or to be another: what was applied is not in it. From
  // one of the connection's threads. To be set before Begin.
  using LossListener = std::function<void(int64_t kept, const SequenceMarks::Mark& lost)>;
  void SetLossListener(LossListener listener) { loss_listener_ = std::move(listener); }

  // Begins to apply. Then waits until all that was there is applied. Errors: kDeadlineExceeded
  // (nothing was applied for `limit`).
  void Begin(Apply apply);
  absl::Status AwaitBeginning(absl::Duration limit);

  // Numbers the next write: for who must know it before it is applied.
  int64_t NextNumber() { return next_number_++; }
  // `changes` must have its subscription and its number.
  void Write(Changes changes, Done done);
  // Replaces all of a subscription's records, the newest of which is at `place`, by these. Fails
  // with kAborted if that is not so any more.
  void Replace(Changes changes, int64_t place, Done done);

  // Calls back once everything is applied that had been written about the subscription when this
  // was called, by whomever. Errors: as JetStreamApi.
  void EnsureCurrent(const std::string& subscription, Done done);

  // The same for all subscriptions.
  void EnsureAllCurrent(Done done);

  // Not beside Close.
  void Tick();
  // Fails what is open with kUnavailable, and applies nothing more. Idempotent.
  void Close();

 private:
  struct Open {
    bool acknowledged = false;
    bool applied = false;
    Done done;
  };

  void Publish(const Changes& changes, const PublishOptions& options, Done done);
  void Received(const StreamMessage& message);
  void AwaitApplied(int64_t place, Done done);
  void Acknowledged(int64_t number, const absl::Status& status, int64_t place);
  void Replaced(int64_t number);
  // Those who wait for what is applied now.
  std::vector<Done> TakeCurrent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JetStreamApi* const api_;
  const Subjects subjects_;
  const uint64_t writer_;
  const Log* const log_;
  std::atomic<int64_t> next_number_{1};
  Apply apply_;
  LossListener loss_listener_;
  std::unique_ptr<StreamFollower> follower_;

  absl::Mutex mutex_;
  SteadyCondition begins_;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;  // all that was there at first is applied
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;  // place of the newest
  std::map<int64_t, Open> open_ ABSL_GUARDED_BY(mutex_);
  std::multimap<int64_t, Done> awaiting_ ABSL_GUARDED_BY(mutex_);  // by place
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_STATE_JOURNAL_H_
