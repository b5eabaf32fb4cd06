#include "onhook/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/subscriber_engine.h"
#include "clients/cpp/watcher_engine.h"

namespace onhook::client {
namespace {

// One message of the gateway holds at most a page of events.
constexpr int kMaxReceivedMessageBytes = 64 << 20;
// The gateway speaks every 15 s on an idle stream, so twice that in silence looks dead.
constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

std::shared_ptr<grpc::Channel> Connect(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  // Of connections; ReconnectBackoff does the same for streams. The two do not add up: a stream
  // that cannot be opened for want of a connection waits for that.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(options.reconnect.initial));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options.reconnect.maximum));
  return grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

struct Client::Connection {
  explicit Connection(ClientOptions client_options)
      : options(std::move(client_options)),
        channel(Connect(options)),
        stub(v1::ReleaseEventService::NewStub(channel)),
        administration(v1::SubscriptionService::NewStub(channel)),
        quarantine(v1::RejectedCallbackService::NewStub(channel)) {}

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoMilliseconds(options.lookup_timeout));
  }

  const ClientOptions options;
  const std::shared_ptr<grpc::Channel> channel;
  // Holds the channel in turn.
  const std::shared_ptr<v1::ReleaseEventService::StubInterface> stub;
  const std::unique_ptr<v1::SubscriptionService::StubInterface> administration;
  const std::unique_ptr<v1::RejectedCallbackService::StubInterface> quarantine;
};

Client::Client(ClientOptions options)
    : connection_(std::make_shared<const Connection>(std::move(options))) {}

absl::Status Client::WaitUntilConnected(absl::Duration timeout) const {
  const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout);
  if (connection_->channel->WaitForConnected(deadline)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("no gateway answers at ", connection_->options.server));
}

absl::StatusOr<v1::StoredEvent> Client::GetEvent(absl::string_view event_id) const {
  grpc::ClientContext context;
  connection_->SetDeadline(context);
  v1::GetEventRequest request;
  request.set_event_id(std::string(event_id));
  v1::GetEventResponse response;
  const grpc::Status status = connection_->stub->GetEvent(&context, request, &response);
  if (!status.ok()) return FromGrpcStatus(status);
  return std::move(*response.mutable_stored_event());
}

absl::StatusOr<v1::ListEventsResponse> Client::ListEvents(
    const v1::ListEventsRequest& request) const {
  grpc::ClientContext context;
  connection_->SetDeadline(context);
  v1::ListEventsResponse response;
  const grpc::Status status = connection_->stub->ListEvents(&context, request, &response);
  if (!status.ok()) return FromGrpcStatus(status);
  return response;
}

absl::Status Client::Administer(
    const std::function<grpc::Status(v1::SubscriptionService::StubInterface&,
                                     grpc::ClientContext&)>& call) const {
  grpc::ClientContext context;
  connection_->SetDeadline(context);
  return FromGrpcStatus(call(*connection_->administration, context));
}

absl::Status Client::AdministerQuarantine(
    const std::function<grpc::Status(v1::RejectedCallbackService::StubInterface&,
                                     grpc::ClientContext&)>& call) const {
  grpc::ClientContext context;
  connection_->SetDeadline(context);
  return FromGrpcStatus(call(*connection_->quarantine, context));
}

std::unique_ptr<Subscriber> Client::Subscribe(SubscribeOptions options,
                                              Subscriber::Handler handler) const {
  return std::unique_ptr<Subscriber>(new Subscriber(std::make_unique<Subscriber::Engine>(
      connection_->stub, std::move(options), connection_->options.reconnect, std::move(handler))));
}

std::unique_ptr<Watcher> Client::Watch(WatchOptions options, Watcher::Handler handler) const {
  return std::unique_ptr<Watcher>(new Watcher(std::make_unique<Watcher::Engine>(
      connection_->stub, std::move(options), connection_->options.reconnect, std::move(handler))));
}

}  // namespace onhook::client
