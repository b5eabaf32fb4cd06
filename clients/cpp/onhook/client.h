#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_CLIENT_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/consumer.h"
#include "onhook/security.h"
#include "onhook/subscriber.h"
#include "onhook/v1/backup_service.pb.h"
#include "onhook/v1/rejected_callback_service.grpc.pb.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "onhook/watcher.h"

namespace onhook::client {

// How long to wait before a lost connection or stream is opened again: `initial`, then twice as
// long each time up to `maximum`, each wait shortened at random by up to half so that many clients
// do not come back at once. A stream that lived longer than `maximum`, or brought an event or an
// answer, starts the count anew. What goes away as planned is replaced without a wait.
struct ReconnectOptions {
  absl::Duration initial = absl::Milliseconds(100);
  absl::Duration maximum = absl::Seconds(30);
  // How often a stream that waits for a connection looks again at why there is none, and whether
  // the files that it needs have changed.
  absl::Duration recheck = absl::Seconds(5);
  // For how long a stream whose client was let in before goes on trying when it is refused as
  // UNAUTHENTICATED: the gateway may have a new authority or token already, and this client's files
  // not yet. Kubernetes brings a changed Secret to each pod within a minute and a half.
  absl::Duration rotation_patience = absl::Minutes(2);
};

class GatewayConnection;  // what a Client and all that it started share

struct ClientOptions {
  // The gateway's gRPC address: HOST:PORT, or unix:/path for a Unix-domain socket.
  std::string server = "127.0.0.1:50051";
  // TLS, and who this client is. Default: neither is needed, as where the gateway listens on
  // loopback only.
  SecurityOptions security;
  // After so long a look-up (GetEvent, ListEvents) fails with kDeadlineExceeded.
  absl::Duration lookup_timeout = absl::Seconds(10);
  ReconnectOptions reconnect;
};

// A connection to one Onhook gateway: receives release events by durable subscription or by watch,
// and looks single ones up.
//
//   Client client{ClientOptions()};
//   SubscribeOptions options;
//   options.subscription = "crm";
//   auto subscriber = client.Subscribe(options, [](const v1::Delivery& delivery) {
//     Save(delivery.event());    // may be the same event again: at least once
//     return Settlement::Ack();  // only now the gateway may forget it
//   });
//   absl::Status why = subscriber->Wait();
//
// Promises: whatever comes from the gateway as an error keeps its code and message; see status.h
// for its reason. Copies share one connection, which lives as long as any copy, subscriber or
// watcher does. Nothing is sent, and no file is read, before the first call that needs the gateway.
// Threads: any, on every method.
// Errors, of every method and of whatever it starts: kFailedPrecondition if the options cannot be
// used, with a reason: SERVER_ADDRESS, CA_FILE, CERTIFICATE_FILE, KEY_FILE, CERTIFICATE_PAIR,
// TOKEN_FILE, CLEARTEXT_TOKEN (SecurityOptions forbids it), TLS_OVER_UNIX_SOCKET. kUnavailable,
// where no connection comes about, says why, with a reason of tls_probe.h: finding that out may
// take 2 s beyond any time given here. kUnauthenticated: its metadata `shown` says what this client
// showed of itself. kPermissionDenied: `identity`, `permission` and `subscription`.
class Client {
 public:
  explicit Client(ClientOptions options);

  // Waits until the gateway is reached, for programs that would rather say "nobody is there" than
  // go on trying. What waiting does not mend, such as a certificate that is not trusted, is told at
  // once. Blocking: up to `timeout`. Errors: kUnavailable.
  absl::Status WaitUntilConnected(absl::Duration timeout) const;

  // Returns one event, with what became of it as far as the gateway keeps that. Blocking: up to
  // lookup_timeout. Errors: kNotFound (not, or no longer, kept), kInvalidArgument, kUnavailable,
  // kDeadlineExceeded.
  absl::StatusOr<v1::StoredEvent> GetEvent(absl::string_view event_id) const;

  // Returns one page of the events that fit, oldest first; pass its next_page_token on for the
  // next. An empty page is OK. Blocking: up to lookup_timeout. Errors: kInvalidArgument (neither
  // call nor time given, or a foreign token), kUnavailable, kDeadlineExceeded.
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request) const;

  // Hands over all events that fit, oldest first, asking for page after page. An error of `take`
  // ends it, and is returned. Blocking: up to lookup_timeout for each page. Errors: as ListEvents.
  absl::Status ForEachEvent(
      v1::ListEventsRequest request,
      const std::function<absl::Status(const v1::StoredEvent& event)>& take) const;

  // Asks one method of SubscriptionService or RejectedCallbackService, for instance
  //   Administer(&v1::SubscriptionService::StubInterface::Seek, request, &response)
  // Blocking: up to lookup_timeout. Errors: as the service's proto says, kUnavailable,
  // kDeadlineExceeded.
  template <typename Request, typename Response>
  absl::Status Administer(grpc::Status (v1::SubscriptionService::StubInterface::*method)(
                              grpc::ClientContext*, const Request&, Response*),
                          const Request& request, Response* response) const {
    return Administer(
        [&](v1::SubscriptionService::StubInterface& stub, grpc::ClientContext& context) {
          return (stub.*method)(&context, request, response);
        });
  }

  template <typename Request, typename Response>
  absl::Status Administer(grpc::Status (v1::RejectedCallbackService::StubInterface::*method)(
                              grpc::ClientContext*, const Request&, Response*),
                          const Request& request, Response* response) const {
    return AdministerQuarantine(
        [&](v1::RejectedCallbackService::StubInterface& stub, grpc::ClientContext& context) {
          return (stub.*method)(&context, request, response);
        });
  }

  // Has the gateway copy everything it has stored, and hands over the copy part by part; see
  // backup_service.proto. OK: `take` got the trailer, last. An error of `take` ends it, and is
  // returned. Blocking: as long as it takes. Errors: as the service's proto says, kUnavailable.
  absl::Status CreateBackup(
      const std::function<absl::Status(const v1::CreateBackupResponse& part)>& take) const;

  // Starts to receive from a durable subscription; see subscriber.h. Never blocks.
  std::unique_ptr<Subscriber> Subscribe(SubscribeOptions options,
                                        Subscriber::Handler handler) const;

  // The same, for a program that fetches the events itself; see consumer.h. Never blocks.
  std::unique_ptr<Consumer> Consume(SubscribeOptions options) const;

  // Starts to read the log from a place; see watcher.h. Never blocks.
  std::unique_ptr<Watcher> Watch(WatchOptions options, Watcher::Handler handler) const;

 private:
  absl::Status Administer(const std::function<grpc::Status(v1::SubscriptionService::StubInterface&,
                                                           grpc::ClientContext&)>& call) const;
  absl::Status AdministerQuarantine(
      const std::function<grpc::Status(v1::RejectedCallbackService::StubInterface&,
                                       grpc::ClientContext&)>& call) const;

  std::shared_ptr<const GatewayConnection> connection_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_CLIENT_H_
