#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_LOG_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_LOG_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/base/clock.h"
#include "gateway/store/event_log.h"
#include "gateway/store/spool/circuit.h"
#include "gateway/store/spool/main_store.h"
#include "gateway/store/spool/patience.h"
#include "gateway/store/spool/spool_account.h"
#include "gateway/store/store.h"

namespace onhook {

// The main store's log, but for Append, which puts an event into the spool when the main log does
// not take it. What is read is the main log's alone; before the main store is open, reading is
// kUnavailable and the log looks empty.
//
// Append, beyond what EventLog says: the event goes to the main log, unless the circuit is open. If
// the main log says kUnavailable or kResourceExhausted, or nothing for as long as the patience
// lasts, the event goes to the spool, and the answer is `spooled`. What the main log then says late
// changes nothing: the same identity is moved there later, and is one event. Every other error of
// the main log is the answer.
//   - While the spool holds something, events go to the main log directly if that takes them: the
//     order of events is not promised over an outage.
//   - A repeat of what was spooled within the spool's deduplication window is told `spooled` and
//     `duplicate` while the main log is away, though it may have been moved meanwhile.
//   - What may only be a repeat is never spooled: it is one of what was spooled, or kUnavailable.
//   - A nonce is shown to the spool as well, as long as that holds something.
//   - Errors of its own: those of the spool's log, when the main log does not take the event, and
//     kResourceExhausted, when the spool holds as many as it may.
class SpooledLog final : public EventLog {
 public:
  // All must outlive it.
  struct Parts {
    MainStore* main;
    Store* spool;
    Circuit* circuit;
    Patience* patience;
    SpoolAccount* account;
  };
  // `max_events`: that the spool may hold, but for some that come at the same moment.
  SpooledLog(Parts parts, int64_t max_events) : parts_(parts), max_events_(max_events) {}

  void Append(NewEvent event, AppendDone done) override;

  void Read(Sequence after, ReadLimits limits, ReadDone done) override;
  void Find(EventQuery query, FindDone done) override;
  void FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) override;
  void FindRawBody(Sequence sequence, RawBodyDone done) override;
  Sequence last() const override;
  int64_t largest_event() const override;
  Sequence first() const override;
  void AddTailListener(TailListener listener) override;
  void RecordForwarded(const std::string& receiver, SequenceRange range) override;
  // A store that may be away is one that others may have.
  bool shared() const override { return true; }
  void ListenToOthers(OtherGateways others) override;
  void TellReceivers(const std::vector<std::string>& receivers) override;
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override;

 private:
  // An event, and whom to answer; kept while the main log has a copy.
  struct Handed {
    NewEvent event;
    AppendDone done;
  };
  using HandedPtr = std::shared_ptr<Handed>;

  // Appends to the main log, unless the spool knows its nonce with another content.
  void AppendIfSpoolLets(HandedPtr handed);
  void AppendToMain(const HandedPtr& handed, bool spool_holds_something);
  // The main log did not take it, for this reason.
  void Failed(const HandedPtr& handed, const absl::Status& why);
  // `why_not_main`: for the log.
  void Spool(const HandedPtr& handed, const absl::Status& why_not_main);
  // It may only be a repeat: of what is in the spool, or the answer is `otherwise`.
  void LookInSpool(const HandedPtr& handed, const absl::Status& otherwise);

  const Parts parts_;
  const int64_t max_events_;
  const SystemClock clock_;  // nobody turns what is tried again
  const std::map<std::string, SequenceSet> nothing_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOLED_LOG_H_
