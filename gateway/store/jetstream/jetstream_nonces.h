#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_NONCES_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_NONCES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/message_lookup.h"
#include "gateway/store/jetstream/nonce_horizons.h"
#include "gateway/store/jetstream/nonce_sweep.h"
#include "gateway/store/jetstream/postponed_work.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// The nonces of signed callbacks, bound each to one content, for all gateways on one stream:
// promise P9 of EventLog, where embedded/admission.h tells what nonces admit and why.
//
// A nonce with its timestamp and source has a subject of its own. It is bound by a message there
// which the server takes only while the subject is empty, so of several gateways one binds it, and
// the others read to what. The order is: first the nonce is bound, then the event is stored.
//
// Why no order of crashes stores two contents for one nonce:
//   - An event is stored only by who has seen its nonce bound to it, after the server confirmed
//     that. While the nonce is kept, that is one content. A try that broke off between the two
//     leaves a nonce without event, which the next try with that content finds bound to it, and
//     stores the event; any other content is refused.
//   - A nonce is removed only after its source's horizon was raised to its timestamp, and at least
//     NoncePace::remove_after later. What is as old as the horizon admits repeats only, on every
//     gateway: each looks whether it has the newest horizons every few seconds, and admits nothing
//     new when its last look began more than kTrusted ago. It looks at the horizon after its nonce
//     was bound, not only before. So whoever bound a nonce that had been removed knows of the
//     horizon by then: that was raised remove_after before the removal, which is longer than
//     kTrusted.
//   - That takes clocks that run about as fast, not clocks that agree; whatever somebody sets them
//     to, what is removed was behind a horizon first. Horizons only rise: each writer
//     replaces what it knew, or does not write.
// Where no replay window is kept (refuse_forgotten is false), nonces are forgotten with time, and
// one with a timestamp far ahead is taken for one a month ahead, as in admission.h.
//
// Threads: any; answers come from the connection's threads, or from whoever ticks. Blocking: Begin
// only.
class JetStreamNonces {
 public:
  // What may be stored by who came with a nonce.
  enum class Admits {
    kNew,     // it was bound just now: its event may be stored
    kRepeat,  // a repeat only
    // It had been bound to the same content: its event was stored then, or that try broke off.
    kUnlessStored,
  };
  struct Bound {
    Admits admits = Admits::kRepeat;
    absl::Time bound_at;  // of kUnlessStored, by the servers' clocks
  };
  using BindDone = std::function<void(absl::StatusOr<Bound>)>;
  using DoneStatus = std::function<void(const absl::Status&)>;

  // All must outlive it, and the connection be closed before it goes.
  JetStreamNonces(JetStreamApi* api, const Subjects& subjects, const JetStreamOptions& options,
                  const Clock* clock, const CautiousClock* cautious_clock, const Log* log,
                  const NoncePace& pace = NoncePace());

  // Learns what has been forgotten; without that it is learnt in the course of Tick, and until then
  // nothing is admitted. Blocking: for the servers' answer. Errors: kUnavailable.
  absl::Status Begin();

  // Binds a nonce to a content, which `identity` names, unless it lies behind the horizon.
  // Errors: kPermissionDenied (it is bound to another content), kUnavailable (the servers cannot
  // answer, or it is not known what has been forgotten; it may be bound all the same).
  void Bind(const std::string& source, const NewEvent::Nonce& nonce, const std::string& identity,
            BindDone done);
  // The same for what is known to be a repeat: however old it is.
  void BindRepeat(const std::string& source, const NewEvent::Nonce& nonce,
                  const std::string& identity, DoneStatus done);
  // Binds nothing. OK: it may be a repeat. Errors as Bind.
  void Check(const std::string& source, const NewEvent::Nonce& nonce, const std::string& identity,
             DoneStatus done);

  // Nonces are kept so long from now on. See admission.h.
  void SetMemory(absl::Duration memory) { sweep_.SetMemory(memory); }

  // Looks for horizons, and forgets, when that is due. To be called every 100 ms or so.
  void Tick();
  // Answers everything kUnavailable, but for what a server is answering: that is answered by the
  // connection's Close at the latest. Idempotent.
  void Close();

 private:
  struct Attempt {
    std::string source;
    NewEvent::Nonce nonce;
    std::string identity;
    bool is_repeat = false;
    absl::Duration until;  // on Elapsed()
    BindDone done;
  };
  using AttemptPtr = std::shared_ptr<Attempt>;

  std::string SubjectOf(const std::string& source, const NewEvent::Nonce& nonce) const;
  AttemptPtr NewAttempt(const std::string& source, const NewEvent::Nonce& nonce,
                        const std::string& identity, BindDone done) const;
  void Try(const AttemptPtr& attempt);
  void Publish(const AttemptPtr& attempt);
  void Compare(const AttemptPtr& attempt);
  // It is bound: whether it lies behind the horizon is looked at once more.
  void Finish(const AttemptPtr& attempt, Bound bound);
  void TryAgain(const AttemptPtr& attempt, const absl::Status& status);

  JetStreamApi* const api_;
  const Subjects subjects_;
  const absl::Duration request_timeout_;
  const Clock* const clock_;
  PostponedWork postponed_;
  MessageLookup lookup_;
  NonceHorizons horizons_;
  NonceSweep sweep_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_NONCES_H_
