#ifndef ONHOOK_GATEWAY_DELIVERY_DELIVERY_SERVER_H_
#define ONHOOK_GATEWAY_DELIVERY_DELIVERY_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/delivery_options.h"
#include "gateway/forwarding/callback_judge.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/store/store.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// The gRPC port: ReleaseEventService, SubscriptionService, RejectedCallbackService, BackupService,
// grpc.health.v1 and reflection.
//
// Promises:
//   P1 settled     An ack is answered after its commit, never before.
//   P2 forwarded   The desk hears of an event when gRPC reported its write done, never before.
//   P3 apart       A client that reads slowly, or not at all, delays no other.
//   P4 bounded     DeliveryOptions limit the streams, and what each may hold and have under way.
//   P5 announced   A planned end is told the clients before it comes.
//
// Threads: one owner for all methods, but SetServing, alive, connections and streams from any
// thread. Blocking: Drain and Stop, as long as they are told. To be put together before the store's
// first Append, and stopped before the store is closed.
class DeliveryServer {
 public:
  // What it works with; all of it must outlive the server. After Stop, the log still calls the tail
  // listener that it was given here, which then does nothing.
  struct Surroundings {
    Store* store = nullptr;
    ReceiptDesk* desk = nullptr;
    CallbackJudge* judge = nullptr;         // null: rejected callbacks cannot be reparsed
    const AccessControl* access = nullptr;  // null: whoever gets into the port may do everything
    const TlsFiles* tls = nullptr;          // null: no TLS
    Metrics* metrics = nullptr;             // null: nothing is counted
    const Clock* clock = nullptr;
    const Log* log = nullptr;
    // Told when the listener does not come back; only a new process might. May be empty.
    std::function<void(const absl::Status& why)> on_listener_given_up;
  };

  DeliveryServer(const DeliveryOptions& options, Surroundings surroundings);
  ~DeliveryServer();  // stops

  // Opens the port and answers calls. Returns the port. To be called once.
  // Errors, with nothing left open: kInvalidArgument (not HOST:PORT), kAlreadyExists (taken),
  // kUnavailable (the address cannot be listened on).
  absl::StatusOr<int> Start();

  // Whether connections are being accepted.
  bool alive() const;

  // Connections of the port, and open streams of Subscribe and Watch.
  size_t connections() const;
  size_t streams() const;

  // What grpc.health.v1 says of "delivery" or "ingress". Overall ("") is yes while both are. Both
  // begin with a no; Start() makes delivery a yes, and Drain() a no again.
  void SetServing(const std::string& service, bool serving);

  // Other limits and times hold from now on, for streams, calls and connections that begin. What
  // gRPC itself was started with (SetBounds), and where the port is, stays as it is, and so do
  // max_stream_age, handover_time and drain_timeout: gRPC ends connections by the sum of these.
  void SetLimits(const DeliveryOptions& options);

  // Refuses new streams, sends go_away to all, and takes acks until every client half-closed or
  // `drain` has passed.
  void Drain(absl::Duration drain);

  // Closes the port, cancels what is still running after `grace`, and returns when no call runs
  // any more. A second call does nothing.
  void Stop(absl::Duration grace);

 private:
  class Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_DELIVERY_SERVER_H_
