#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_LOG_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_LOG_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/store/embedded/event_tail.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/event_appends.h"
#include "gateway/store/jetstream/event_search.h"
#include "gateway/store/jetstream/gateway_talk.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_nonces.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/message_lookup.h"
#include "gateway/store/jetstream/postponed_work.h"
#include "gateway/store/jetstream/stream_follower.h"
#include "gateway/store/jetstream/stream_pages.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// The EventLog that lies in a stream of NATS servers, for all gateways that use it.
//
// Everything that is stored, by whichever gateway, comes in by one follower, in order: it feeds the
// tail in memory, and the tail listeners are called for it. What lies further back is read from the
// servers, page by page.
//
// How it keeps what event_log.h promises, where that is not as in the embedded engines:
//   P2  A sequence is the stream's. Should messages be deleted by hand, there are gaps.
//   P3  The servers know an identity for the deduplication window, counted from its storing, by the
//       message's id; what may only be a repeat (only_if_known, an old nonce) is looked for among
//       the events kept.
//   P4  An append that was answered with an error may be stored all the same, whole, and come in.
//       While no server is connected an append is refused, but for a moment after the connection
//       broke, in which another server of a cluster is found.
//   P6  An own event that comes in answers its append first, if that is still open; if another
//       thread is just answering it, that one calls the listeners afterwards. An append may be
//       answered before its event comes in: then a Read waits for that, for kPatience at most,
//       before it asks the servers.
//   P9  See jetstream_nonces.h. The nonce is not in the event's transaction, but before it.
// What was forwarded is told to the other gateways, and kept nowhere.
//
// Threads: any, on every method. Callbacks come from the connection's threads, from whoever ticks,
// or from the caller's. Blocking: only Close and the destructor, for a call under way.
class JetStreamLog final : public EventLog {
 public:
  // All must outlive it. The connection must be closed before the log is destroyed.
  JetStreamLog(JetStreamApi* api, const Subjects& subjects, const JetStreamOptions& options,
               JetStreamNonces* nonces, const Clock* clock, const Log* log);
  ~JetStreamLog() override;

  void Append(NewEvent event, AppendDone done) override;
  void Read(Sequence after, ReadLimits limits, ReadDone done) override;
  void Find(EventQuery query, FindDone done) override;
  void FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) override;
  void FindRawBody(Sequence sequence, RawBodyDone done) override;
  Sequence last() const override;
  int64_t largest_event() const override { return appends_.largest(); }
  Sequence first() const override { return first_.load(std::memory_order_acquire); }
  void AddTailListener(TailListener listener) override;
  void RecordForwarded(const std::string& receiver, SequenceRange range) override;
  bool shared() const override { return true; }
  void ListenToOthers(OtherGateways others) override;
  void TellReceivers(const std::vector<std::string>& receivers) override;
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override {
    return forwarded_at_open_;
  }

  // --- for the store that owns it

  // Told once, on the connection's threads, when the stream turns out to be another store's. To be
  // set before Begin.
  void SetReplacedListener(std::function<void()> listener) {
    replaced_listener_ = std::move(listener);
  }
  // Told, on the connection's threads, when the stream seems to have lost its end: what lies behind
  // `kept` is gone, `lost` for one, and its sequences may be others' now. To be set before Begin.
  using LossListener = std::function<void(Sequence kept, const SequenceMarks::Mark& lost)>;
  void SetLossListener(LossListener listener) { loss_listener_ = std::move(listener); }

  // The stream as it is now; what comes behind is followed. To be called once, before all else but
  // listeners.
  void Begin(const StreamInfo& events);
  // To be called every 100 ms or so.
  void Tick();
  // Answers everything kUnavailable, but for look-ups that a server is answering: they are answered
  // by the connection's Close at the latest. Calls no listener any more. Idempotent. Not from a
  // callback, and no Tick may be under way, or come.
  void Close();

  // Events before `first` have been purged, or are about to be.
  void SetFirst(Sequence first);
  // As the servers told a second ago, or so.
  int64_t events() const { return events_.load(std::memory_order_relaxed); }
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Whether something new may be stored now, as far as that is known: as Store::CheckRoom.
  // kFailedPrecondition: the stream was changed, so that a repeat may be stored again, or an event
  // be dropped.
  absl::Status health() const;
  // The deduplication window that the stream is to have from now on. Begin expects the options'.
  void ExpectWindow(absl::Duration window) {
    window_ns_.store(absl::ToInt64Nanoseconds(window), std::memory_order_relaxed);
  }
  // All events up to here came in: their listeners were called.
  Sequence arrived() const { return tail_ == nullptr ? 0 : tail_->last(); }

 private:
  // A Read of what was stored by us, and is on its way here.
  struct WaitingRead {
    Sequence after = 0;
    ReadLimits limits;
    ReadDone done;
    Sequence awaited = 0;  // until this one came in
    absl::Duration until;  // on Elapsed()
  };

  void Arrived(const StreamMessage& message);
  void SignalTail(Sequence last) const;
  void WentBack(Sequence last, const SequenceMarks::Mark& lost);
  void AnswerWaiting();
  void ReadArrived(Sequence after, ReadLimits limits, ReadDone done);
  void ReadPage(Sequence after, ReadLimits limits, ReadDone done);
  void ReadFew(Sequence after, ReadLimits limits, LogPage page, ReadDone done);
  void FinishPage(Sequence after, LogPage page, ReadDone done);
  void LookAtStream();
  void Learn(const StreamInfo& events);
  void LookForChange(const StreamInfo& events);

  JetStreamApi* const api_;
  const Subjects subjects_;
  const size_t tail_bytes_;
  const Clock* const clock_;
  const Log* const log_;
  const std::map<std::string, SequenceSet> forwarded_at_open_;  // none

  PostponedWork postponed_;
  MessageLookup lookup_;
  StreamPages pages_;
  EventSearch search_;
  // A vendor waits for an append: without servers that is told at once.
  MessageLookup lookup_for_appends_;
  EventSearch search_for_appends_;
  EventAppends appends_;
  GatewayTalk talk_;

  LossListener loss_listener_;
  std::function<void()> replaced_listener_;
  std::string description_;  // of the stream, which names its store
  std::atomic<bool> replaced_{false};
  std::vector<TailListener> listeners_;  // set before the first append
  std::unique_ptr<EventTail> tail_;      // set by Begin, like the follower
  std::unique_ptr<StreamFollower> follower_;
  std::atomic<Sequence> first_{1};
  std::atomic<int64_t> events_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> looking_{false};  // at the stream
  std::atomic<int64_t> looked_ns_{0};
  std::atomic<int64_t> window_ns_;
  int looks_at_change_ = 0;      // of whoever is looking
  LogThrottle change_throttle_;  // likewise

  mutable absl::Mutex change_mutex_;
  absl::Status change_ ABSL_GUARDED_BY(change_mutex_);

  absl::Mutex waiting_mutex_;
  std::vector<WaitingRead> waiting_ ABSL_GUARDED_BY(waiting_mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_LOG_H_
