#ifndef ONHOOK_GATEWAY_DELIVERY_CALL_AUTHORIZATION_H_
#define ONHOOK_GATEWAY_DELIVERY_CALL_AUTHORIZATION_H_

#include <grpcpp/server_context.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/delivery/call_refusals.h"
#include "gateway/delivery/connection_ledger.h"
#include "gateway/delivery/rpc_rules.h"

namespace onhook {

// Whether one call may be made, and go on: who made it, and what the rule of its RPC asks for.
//
// Why here, though a gate stands before every call: the gate does not know which subscription a
// request names, calls through the Unix-domain socket do not pass it, and streams live longer than
// what it saw. So a handler asks first, before it looks at the request, and once more when a call
// that had to wait is made; a stream asks again for as long as it is open.
//
// Promises:
//   P1 default deny  A method without a rule is refused to everybody.
//   P2 of now        Every answer is by the access list, the tokens and the certificates of now,
//                    as soon as AccessControl knows of them.
//   P3 final         What was refused once stays refused: a stream that is about to end for it does
//                    not come to life again.
//   P4 silent        An error names identity, permission and subscription, and what is needed; it
//                    tells nothing of what is stored.
// Threads: any. Blocking: never. Errors: kUnauthenticated; kPermissionDenied; kResourceExhausted:
// the identity has as many connections as it may. All with ErrorInfo; a call's refusal is counted
// and logged once.
class CallAuthorization {
 public:
  struct Surroundings {
    const AccessControl* access = nullptr;  // null: everybody may do everything
    CallRefusals* refusals = nullptr;       // null: nobody is told
    const Clock* clock = nullptr;
    ConnectionLedger* ledger = nullptr;  // null: connections are not counted
  };

  // `surroundings` outlive this. `method` is a literal, as in RpcRules.
  CallAuthorization(const Surroundings& surroundings, absl::string_view method,
                    const grpc::CallbackServerContext& context);
  CallAuthorization(const CallAuthorization&) = delete;
  CallAuthorization& operator=(const CallAuthorization&) = delete;

  // The call is about this subscription; before that, or without, it is asked whether the
  // permission is given for any. To be called once.
  void SetSubscription(absl::string_view subscription) ABSL_LOCKS_EXCLUDED(mutex_);

  // What the rule says. Costs next to nothing while nothing has changed since it was last asked.
  absl::Status Check() ABSL_LOCKS_EXCLUDED(mutex_);

  // As Check, and a permission beyond the rule's, for the same subscription.
  absl::Status CheckAlso(Permission permission) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether the caller has a permission: for what is left out rather than refused. False unless the
  // last Check was OK.
  bool May(Permission permission,
           std::optional<absl::string_view> subscription = std::nullopt) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Who the caller was when that was last asked; "" for anybody, and for nobody.
  std::string identity() const ABSL_LOCKS_EXCLUDED(mutex_);

  absl::string_view method() const { return method_; }
  const RpcRule* rule() const { return rule_; }
  // The name of the subscription that the call is about, if it can be one; otherwise "".
  std::string subscription() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Subscription = std::optional<std::string>;  // as the request has it, if it has one

  // Whether the last answer may have become wrong.
  bool IsStale() const;
  absl::Status Decide() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckRule(const Caller& caller, const Subscription& subscription) const;
  absl::Status CountConnection(const Caller& caller) const;
  absl::Status Refuse(absl::Status why, absl::string_view identity) ABSL_LOCKS_EXCLUDED(mutex_);

  const Surroundings surroundings_;
  const absl::string_view method_;
  const RpcRule* const rule_;
  const PeerCredentials credentials_;
  const std::string peer_;  // as gRPC calls it
  mutable absl::Mutex mutex_;
  // The answer was yes, and what that depended on. Written under the lock, read without it.
  std::atomic<bool> decided_{false};
  std::atomic<uint64_t> generation_{0};
  std::atomic<int64_t> valid_until_ns_{0};
  Subscription subscription_ ABSL_GUARDED_BY(mutex_);
  std::optional<Caller> caller_ ABSL_GUARDED_BY(mutex_);
  absl::Status refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CALL_AUTHORIZATION_H_
