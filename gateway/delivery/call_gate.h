#ifndef ONHOOK_GATEWAY_DELIVERY_CALL_GATE_H_
#define ONHOOK_GATEWAY_DELIVERY_CALL_GATE_H_

#include <grpc/grpc_security.h>

#include <atomic>
#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/config/delivery_options.h"
#include "gateway/delivery/call_pace.h"
#include "gateway/delivery/call_refusals.h"

namespace onhook {

// Stands before every call of the TCP port, whatever it calls: our services, health, reflection,
// and what does not exist. Who is not recognised gets no further, so that nothing of gRPC's own is
// served to strangers.
//
// It decides first, not last: the handlers ask again (CallAuthorization), since they know what a
// request is about.
// Threads: any. Blocking: never.
class CallGate {
 public:
  using Identify = std::function<absl::StatusOr<Caller>(const PeerCredentials& shown)>;

  // `identify` says who shows that. `refusals` and `clock` must outlive the gate.
  CallGate(const DeliveryOptions& options, Identify identify, CallRefusals* refusals,
           const Clock* clock);

  // Another pace and number of headers hold from now on.
  void SetLimits(const DeliveryOptions& options);

  // Whether a call of `method`, "/package.Service/Method", may pass. Errors: kUnauthenticated as
  // AccessControl::Identify; kPermissionDenied: nobody of an access list may call what has no
  // RpcRule. Without an access list whatever is called passes, so that a client can tell by
  // UNIMPLEMENTED that a gateway is older than itself.
  absl::Status Decide(const PeerCredentials& shown, absl::string_view method) const;

  // Whether a call with so many headers may begin on `connection`, see CallPace, whoever makes it.
  // kResourceExhausted: it comes too soon behind the others, or there are too many. To be asked
  // first, since it costs less than to find out who calls.
  absl::Status DecideOnCost(const void* connection, size_t headers);

  // Has the calls that come in with `credentials` decided upon; the gate must outlive these.
  void GuardCallsOf(grpc_server_credentials* credentials);

 private:
  std::atomic<size_t> max_headers_;
  const Identify identify_;
  CallRefusals* const refusals_;
  CallPace pace_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CALL_GATE_H_
