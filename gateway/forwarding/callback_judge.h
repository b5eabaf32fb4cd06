#ifndef ONHOOK_GATEWAY_FORWARDING_CALLBACK_JUDGE_H_
#define ONHOOK_GATEWAY_FORWARDING_CALLBACK_JUDGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "gateway/store/quarantine.h"
#include "onhook/v1/rejected_callback_service.pb.h"

namespace onhook {

// What became of a rejected callback that was judged again.
struct Judgement {
  std::string event_id;  // of the event, which is durable; empty: it was refused again
  // If it was refused again.
  v1::RejectedCallback::Reason reason = v1::RejectedCallback::REASON_UNSPECIFIED;
  std::string detail;  // names fields, repeats no values
};

// Judges a rejected callback by the settings of now, but for the replay window.
//
// Why here: delivery serves the call, ingress knows the rules, and the two never meet.
// Threads: any. Blocking: Judge, until the event is stored.
class CallbackJudge {
 public:
  virtual ~CallbackJudge() = default;

  // Leaves the callback in the quarantine: removing it is the caller's next step. To judge one
  // twice gives one event. Errors: kUnavailable, kResourceExhausted: the event could not be stored.
  virtual absl::StatusOr<Judgement> Judge(const RejectedCallback& callback) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_CALLBACK_JUDGE_H_
