#ifndef ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_
#define ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/metrics.h"
#include "gateway/config/settings.h"
#include "gateway/forwarding/callback_judge.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/http/http_message.h"
#include "gateway/ingress/callback_source.h"
#include "gateway/ingress/rejection.h"
#include "gateway/ingress/source_counters.h"
#include "gateway/store/quarantine.h"

namespace onhook {

struct CallbackContext;

// Takes a callback from its bytes to its acknowledgment; the HTTP server hands it each request.
//
// Promises: answers success only if the event is stored and its source's policy is met. What it
// rejects is not stored as an event; what passed path, network and credentials and could not be
// read, mapped or verified is in the quarantine, durably, before its sender is told not to repeat
// it; where it cannot be kept, the sender is told to come again. Every answer is in the vendor's
// format, and of a failed proof it does not say which part failed. Logs nothing that the callback
// said but the event's identity.
// Threads: any. Blocking: Begin, for a commit at most; Judge, while something is stored;
// HandleAndWait for up to the policy's timeout. Errors: of requests none; they are answers.
class CallbackHandler final : public CallbackJudge {
 public:
  // All must outlive the handler.
  struct Parts {
    const Clock* clock;
    const Log* log;
    Metrics* metrics;
    ReceiptDesk* desk;
    Quarantine* quarantine;
  };

  CallbackHandler(std::vector<CallbackSource> sources, const Settings::QuarantineLimits& limits,
                  Parts parts);
  ~CallbackHandler() override;

  // From now on these are the sources, with these limits. A request under way goes on with the
  // source that it came to. What is known of a source that has the name of one before stays: how
  // much of it was kept of late, and what was logged. Counters stay in any case. Threads: one owner
  // for this.
  void SetSources(std::vector<CallbackSource> sources, const Settings::QuarantineLimits& limits);

  // As HttpTask: `done` is called once, on whichever thread finds the answer, and `request` must
  // last until then.
  void Begin(const HttpRequest& request, HttpDone done) const;

  // The same for a thread that may wait.
  HttpResponse HandleAndWait(const HttpRequest& request) const;

  // A source that is no longer in the settings rejects what it had kept.
  absl::StatusOr<Judgement> Judge(const RejectedCallback& callback) override;

 private:
  struct SourceRecord;
  struct SourceDesk;
  struct Call;
  using Desks = std::vector<std::shared_ptr<SourceDesk>>;
  // What became of a callback that reached its source.
  struct Outcome {
    absl::Status status;                  // what its sender is told by
    absl::optional<Rejection> rejection;  // if it was rejected
    std::string event_id;                 // once there is one
    std::string traceparent;              // of the event, if it has one
  };

  Desks MakeDesks(std::vector<CallbackSource> sources, const Settings::QuarantineLimits& limits,
                  const Desks& before) const;
  std::shared_ptr<SourceDesk> FindDesk(absl::string_view path) const;
  // Bytes -> words -> event -> receipt.
  void Accept(std::unique_ptr<Call> call) const;
  void Accepted(std::unique_ptr<Call> call, const absl::Status& receipt,
                const AppendResult& stored) const;
  // Takes what its source only reports once more, as what does not verify.
  void RejectOrTolerate(std::unique_ptr<Call> call) const;
  // Keeps what was rejected, if that is foreseen, and answers; what is to be kept and cannot be has
  // to come again.
  void Reject(std::unique_ptr<Call> call) const;
  void Answer(std::unique_ptr<Call> call) const;
  // The same for what was kept; nobody is waited for, nothing is counted.
  Outcome AcceptKept(const CallbackSource& source, absl::string_view body,
                     const CallbackContext& context) const;
  void NoteTolerated(SourceDesk& desk, Distrust distrust) const;
  void Note(SourceDesk& desk, const Outcome& outcome) const;
  void NoteTrouble(SourceDesk& desk, const Outcome& outcome) const;

  const Parts parts_;
  Exchangeable<Desks> desks_;
  const SourceCounters counters_;  // of what reached no source
  mutable LogThrottle no_source_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_
