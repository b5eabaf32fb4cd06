#ifndef ONHOOK_GATEWAY_INGRESS_REJECTION_H_
#define ONHOOK_GATEWAY_INGRESS_REJECTION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/ingress/authenticator.h"
#include "onhook/v1/rejected_callback_service.pb.h"

namespace onhook {

// Why a callback is not taken.
enum class RejectionReason {
  kPath,
  kMethod,
  kNetwork,
  kCredentials,
  kMalformed,
  kUnsigned,
  kUnsignableName,
  kSignature,
  kReplayWindow,
  kNonceReused,
  kInvalidField,
};

struct Rejection {
  RejectionReason reason;
  // For the operator: names documented fields and places, repeats nothing that was sent.
  std::string detail;
};

// What follows from a reason.
struct RejectionRule {
  RejectionReason reason;
  absl::string_view label;        // of onhook_rejected_callbacks_total
  absl::StatusCode code;          // what vendor_reply answers it by
  absl::string_view told;         // retMsg; empty: the detail itself, since no secret is behind it
  absl::string_view description;  // the detail where the step gives none
  // As what it is kept in the quarantine; UNSPECIFIED: it is only counted.
  v1::RejectedCallback::Reason kept_as;
};

// The one table of them, in the order of the enum. Pure. Threads: any. Blocking: never.
absl::Span<const RejectionRule> RejectionRules();
const RejectionRule& RuleOf(RejectionReason reason);

// A rejection with the rule's own description.
Rejection RejectionFor(RejectionReason reason);
Rejection RejectionFor(Distrust distrust);

// What the sender is told: the same for whatever is wrong with a proof, so that nobody can feel
// their way to a right one.
absl::Status StatusOf(const Rejection& rejection);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_REJECTION_H_
