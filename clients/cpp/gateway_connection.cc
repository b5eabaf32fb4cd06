#include "clients/cpp/gateway_connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "clients/cpp/certificate_words.h"
#include "clients/cpp/deadline.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/tls_probe.h"
#include "onhook/status.h"

namespace onhook::client {
namespace {

// One message of the gateway holds at most a page of events.
constexpr int kMaxReceivedMessageBytes = 64 << 20;
// For what is no stream, and has no heartbeat.
constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// Some round trips across the world; somebody may wait for it.
constexpr absl::Duration kProbeLimit = absl::Seconds(2);

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

grpc::ChannelArguments Arguments(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  // Of connections; ReconnectBackoff does the same for streams. The two do not add up: a stream
  // that cannot be opened for want of a connection waits for that.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(options.reconnect.initial));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options.reconnect.maximum));
  // Else the channel that takes the place of one that was given up would find its dead connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.security.server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.security.server_name);
  }
  return arguments;
}

// Whether the server was there, so that waiting for it is of no use.
bool WasReached(const absl::Status& fault) {
  const std::string reason = ErrorReason(fault);
  return !fault.ok() && reason != "NOBODY_LISTENS" && reason != "NAME_NOT_RESOLVED" &&
         reason != "NO_ANSWER" && reason != "NOT_REACHED" && reason != "CLOSED";
}

}  // namespace

GatewayConnection::GatewayConnection(ClientOptions options)
    : options_(std::move(options)), address_(ParseServerAddress(options_.server)) {}

std::shared_ptr<const GatewayStubs> GatewayConnection::Connect(TlsCredentials credentials) const {
  auto stubs = std::make_shared<GatewayStubs>();
  std::shared_ptr<grpc::ChannelCredentials> security = grpc::InsecureChannelCredentials();
  if (options_.security.wants_tls()) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = credentials.ca_pem;
    ssl.pem_cert_chain = credentials.certificate_pem;
    ssl.pem_private_key = credentials.key_pem;
    security = grpc::SslCredentials(ssl);
  }
  stubs->channel = grpc::CreateCustomChannel(options_.server, security, Arguments(options_));
  stubs->events = v1::ReleaseEventService::NewStub(stubs->channel);
  stubs->subscriptions = v1::SubscriptionService::NewStub(stubs->channel);
  stubs->rejected_callbacks = v1::RejectedCallbackService::NewStub(stubs->channel);
  stubs->backups = v1::BackupService::NewStub(stubs->channel);
  stubs->credentials = std::move(credentials);
  return stubs;
}

absl::StatusOr<std::shared_ptr<const GatewayStubs>> GatewayConnection::Current() const {
  if (!address_.ok()) return address_.status();
  if (address_->is_unix() && options_.security.wants_tls()) {
    return LocalError(absl::StatusCode::kFailedPrecondition,
                      "over a Unix-domain socket the gateway speaks no TLS",
                      "TLS_OVER_UNIX_SOCKET");
  }
  std::shared_ptr<const GatewayStubs> known;
  {
    absl::MutexLock lock(&mutex_);
    known = stubs_;
  }
  absl::StatusOr<TlsCredentials> credentials = ReadTlsCredentials(
      options_.security, known == nullptr ? TlsCredentials() : known->credentials);
  const bool stays = !credentials.ok() || (known != nullptr && *credentials == known->credentials);
  if (stays && known != nullptr) return known;
  if (!credentials.ok()) return credentials.status();
  std::shared_ptr<const GatewayStubs> made = Connect(*std::move(credentials));
  absl::MutexLock lock(&mutex_);
  // Somebody else may have been faster, with the same.
  if (stubs_ == known || !(stubs_->credentials == made->credentials)) stubs_ = std::move(made);
  return stubs_;
}

absl::StatusOr<std::string> GatewayConnection::Token() const {
  const SecurityOptions& security = options_.security;
  if (!security.wants_tls() && !security.allow_cleartext_token && !address_->is_local()) {
    return LocalError(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat("the token would go to ", address_->text,
                     " in clear text, where everybody on the way can read and use it"),
        "CLEARTEXT_TOKEN");
  }
  absl::StatusOr<std::string> token = ReadToken(security.token_file);
  absl::MutexLock lock(&mutex_);
  if (token.ok()) token_ = *token;
  if (!token.ok() && !token_.empty()) return token_;
  return token;
}

absl::StatusOr<std::shared_ptr<const GatewayStubs>> GatewayConnection::Begin(
    grpc::ClientContext& context) const {
  absl::StatusOr<std::shared_ptr<const GatewayStubs>> stubs = Current();
  if (!stubs.ok() || options_.security.token_file.empty()) return stubs;
  const absl::StatusOr<std::string> token = Token();
  if (!token.ok()) return token.status();
  context.AddMetadata("authorization", absl::StrCat("Bearer ", *token));
  return stubs;
}

absl::Duration GatewayConnection::silence_limit() const {
  absl::MutexLock lock(&mutex_);
  return heartbeat_interval_ * 2;
}

void GatewayConnection::NoteHeartbeatInterval(absl::Duration interval) const {
  absl::MutexLock lock(&mutex_);
  heartbeat_interval_ = interval > absl::ZeroDuration() ? interval : kUntoldHeartbeatInterval;
}

absl::Status GatewayConnection::GiveUp(const std::shared_ptr<const GatewayStubs>& stubs) const {
  // Files that are no good just now are no reason to go on with what is dead.
  std::shared_ptr<const GatewayStubs> fresh = Connect(stubs->credentials);
  absl::MutexLock lock(&mutex_);
  if (stubs_ == stubs) stubs_ = std::move(fresh);
  return LocalError(absl::StatusCode::kUnavailable,
                    absl::StrCat("nothing came from the gateway for ",
                                 absl::FormatDuration(heartbeat_interval_ * 2),
                                 ", so the connection is given up"),
                    "SILENT");
}

std::string GatewayConnection::Shown() const {
  const SecurityOptions& security = options_.security;
  std::vector<std::string> shown;
  if (!security.certificate_file.empty()) {
    std::string words = absl::StrCat("the certificate ", security.certificate_file);
    absl::MutexLock lock(&mutex_);
    if (stubs_ != nullptr) {
      const auto chain = CertificatesOf(stubs_->credentials.certificate_pem);
      if (!chain.empty()) {
        absl::StrAppend(&words, " of ", AlternativeNameWords(chain.front().get()), ", valid until ",
                        TimeWords(NotAfter(chain.front().get())));
      }
    }
    shown.push_back(std::move(words));
  }
  if (!security.token_file.empty())
    shown.push_back(absl::StrCat("the token ", security.token_file));
  return shown.empty() ? "nothing" : absl::StrJoin(shown, " and ");
}

absl::Status GatewayConnection::Probe(absl::Duration limit) const {
  std::shared_ptr<const GatewayStubs> stubs;
  {
    absl::MutexLock lock(&mutex_);
    stubs = stubs_;
  }
  if (stubs == nullptr) return absl::OkStatus();
  return ProbeConnection(*address_, options_.security, stubs->credentials, limit);
}

absl::Status GatewayConnection::Explain(absl::Status status) const {
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    return WithMetadata(std::move(status), "shown", Shown());
  }
  if (status.code() != absl::StatusCode::kUnavailable || !ErrorReason(status).empty()) {
    return status;
  }
  {
    absl::MutexLock lock(&mutex_);
    // There was a connection, so the words are the gateway's, or gRPC's for its loss.
    if (stubs_ == nullptr || stubs_->channel->GetState(false) == GRPC_CHANNEL_READY) return status;
  }
  const absl::Status fault = Probe(kProbeLimit);
  return fault.ok() ? status : fault;
}

absl::Status GatewayConnection::WaitUntilConnected(absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  // Nothing that must be known before the first call is left for it: the token too.
  grpc::ClientContext unused;
  const absl::StatusOr<std::shared_ptr<const GatewayStubs>> stubs = Begin(unused);
  if (!stubs.ok()) return stubs.status();
  grpc::Channel& channel = *(*stubs)->channel;
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY) return absl::OkStatus();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      const absl::Status fault = Probe(kProbeLimit);
      if (WasReached(fault)) return fault;
    }
    const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
    if (!channel.WaitForStateChange(state, DeadlineAfter(left)) && absl::Now() >= deadline) break;
  }
  const absl::Status fault = Probe(kProbeLimit);
  if (!fault.ok()) return fault;
  return absl::UnavailableError(absl::StrCat("no gateway answers at ", options_.server));
}

}  // namespace onhook::client
