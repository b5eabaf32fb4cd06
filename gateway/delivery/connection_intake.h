#ifndef ONHOOK_GATEWAY_DELIVERY_CONNECTION_INTAKE_H_
#define ONHOOK_GATEWAY_DELIVERY_CONNECTION_INTAKE_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/delivery_options.h"
#include "gateway/delivery/connection_ledger.h"
#include "gateway/net/listener.h"

namespace onhook {

// Where connections of the gRPC port come from: the TCP port, and the Unix-domain socket if there
// is one. Accepted by us, counted by the ledger, then handed to gRPC.
//
// Why not by gRPC itself: the acceptor of 1.51 goes silent for good at the first accept() that
// fails for want of a descriptor (CVE-2023-4785), and knows no limit on connections.
//
// Promises: a listener that takes no connection any more is noticed, opened again, or given up,
// all within 5 s. Threads: one owner, but port() and alive() from any thread. Blocking: Stop, until
// the listeners' threads have ended.
class ConnectionIntake {
 public:
  // All of it must outlive the intake. `on_given_up` may be empty.
  ConnectionIntake(const DeliveryOptions& options, ConnectionLedger* ledger,
                   std::function<void(const absl::Status& why)> on_given_up, const Clock* clock,
                   const Log* log);
  ~ConnectionIntake();  // stops

  // The server that `builder` builds will take connections of the TCP port with `credentials`.
  void AddTo(grpc::ServerBuilder& builder, std::shared_ptr<grpc::ServerCredentials> credentials);

  // Opens the port, and the socket, for `server`, which must be running until Stop. Errors, with
  // nothing left open: Listener::Start's; that of the socket begins with "grpc.unix_socket".
  absl::Status Start(grpc::Server* server);

  // Takes no more connections; those that were taken stay.
  void Stop();

  int port() const { return tcp_.port(); }
  bool alive() const;

 private:
  void TakeTcp(int socket, const Endpoint& peer);
  void TakeUnix(int socket, const Endpoint& peer);
  bool Admit(int socket, const Endpoint& peer);

  ConnectionLedger* const ledger_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  grpc::Server* server_ = nullptr;
  Listener tcp_;
  std::unique_ptr<Listener> unix_;  // null: none is asked for
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CONNECTION_INTAKE_H_
