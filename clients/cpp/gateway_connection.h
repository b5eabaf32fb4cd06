#ifndef ONHOOK_CLIENTS_CPP_GATEWAY_CONNECTION_H_
#define ONHOOK_CLIENTS_CPP_GATEWAY_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/credential_files.h"
#include "clients/cpp/server_address.h"
#include "onhook/client.h"
#include "onhook/v1/backup_service.grpc.pb.h"
#include "onhook/v1/rejected_callback_service.grpc.pb.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "onhook/v1/subscription_service.grpc.pb.h"

namespace onhook::client {

// Of a gateway that does not tell its own.
constexpr absl::Duration kUntoldHeartbeatInterval = absl::Seconds(15);

// One gRPC channel, whose TLS credentials stay what they are, and the services over it.
struct GatewayStubs {
  std::shared_ptr<grpc::Channel> channel;
  // Each holds the channel in turn.
  std::unique_ptr<v1::ReleaseEventService::StubInterface> events;
  std::unique_ptr<v1::SubscriptionService::StubInterface> subscriptions;
  std::unique_ptr<v1::RejectedCallbackService::StubInterface> rejected_callbacks;
  std::unique_ptr<v1::BackupService::StubInterface> backups;
  TlsCredentials credentials;
};

// The way to one gateway: what a call or a stream that begins now goes over and carries, and why it
// failed.
//
// Why not one channel for good: a certificate that changed is shown by a new connection only. What
// runs on an earlier channel keeps it by its GatewayStubs, and lives on.
//
// Promises: G1 what is no good in a file that changed leaves in use what was good; G2 no token goes
// in the clear beyond this machine unless SecurityOptions says so; G3 an error of the gateway keeps
// its code and message; G4 a connection that was given up is shared with nothing that begins later.
// Threads: any. Blocking: as each method says.
class GatewayConnection {
 public:
  explicit GatewayConnection(ClientOptions options);

  const ClientOptions& options() const { return options_; }

  // To be called for each call and each stream: puts the token into `context`, and returns what to
  // call. Blocking: reads the files. Errors: kFailedPrecondition, in words, with a reason: a file
  // that never was any good, or options that cannot be; see SecurityOptions and credential_files.h.
  absl::StatusOr<std::shared_ptr<const GatewayStubs>> Begin(grpc::ClientContext& context) const;

  // How long a stream may be silent before its connection is taken for dead.
  absl::Duration silence_limit() const;
  // The gateway says how long its streams are silent at most. Not positive: it did not say.
  void NoteHeartbeatInterval(absl::Duration interval) const;
  // What was begun over `stubs` heard nothing for silence_limit: what begins from now on goes over
  // another connection. Returns that in words. Blocking: never.
  absl::Status GiveUp(const std::shared_ptr<const GatewayStubs>& stubs) const;

  // The status of a call or stream that is over, and more of why: instead of gRPC's words for a
  // connection that does not come about, those of ProbeConnection; to UNAUTHENTICATED the metadata
  // `shown`, whatever this client shows of itself. Blocking: up to 2 s, if there is no connection.
  absl::Status Explain(absl::Status status) const;

  // As Client's.
  absl::Status WaitUntilConnected(absl::Duration timeout) const;

 private:
  // With the credentials of now. Errors: as Begin's.
  absl::StatusOr<std::shared_ptr<const GatewayStubs>> Current() const;
  absl::StatusOr<std::string> Token() const;
  std::shared_ptr<const GatewayStubs> Connect(TlsCredentials credentials) const;
  // What there is to show, for people.
  std::string Shown() const;
  absl::Status Probe(absl::Duration limit) const;

  const ClientOptions options_;
  const absl::StatusOr<ServerAddress> address_;
  mutable absl::Mutex mutex_;
  mutable std::shared_ptr<const GatewayStubs> stubs_ ABSL_GUARDED_BY(mutex_);  // null: never good
  mutable absl::Duration heartbeat_interval_ ABSL_GUARDED_BY(mutex_) = kUntoldHeartbeatInterval;
  mutable std::string token_ ABSL_GUARDED_BY(mutex_);  // empty: never good
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_GATEWAY_CONNECTION_H_
