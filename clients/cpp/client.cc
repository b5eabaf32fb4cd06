#include "onhook/client.h"

#include <utility>

#include "clients/cpp/deadline.h"
#include "clients/cpp/gateway_connection.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/subscription_engine.h"
#include "clients/cpp/watcher_engine.h"

namespace onhook::client {
namespace {

// One unary call, from its credentials to its answer in words.
absl::Status Ask(
    const GatewayConnection& connection,
    const std::function<grpc::Status(const GatewayStubs&, grpc::ClientContext&)>& call) {
  grpc::ClientContext context;
  context.set_deadline(DeadlineAfter(connection.options().lookup_timeout));
  const auto stubs = connection.Begin(context);
  if (!stubs.ok()) return stubs.status();
  return connection.Explain(FromGrpcStatus(call(**stubs, context)));
}

}  // namespace

Client::Client(ClientOptions options)
    : connection_(std::make_shared<const GatewayConnection>(std::move(options))) {}

absl::Status Client::WaitUntilConnected(absl::Duration timeout) const {
  return connection_->WaitUntilConnected(timeout);
}

absl::StatusOr<v1::StoredEvent> Client::GetEvent(absl::string_view event_id) const {
  v1::GetEventRequest request;
  request.set_event_id(std::string(event_id));
  v1::GetEventResponse response;
  const absl::Status status =
      Ask(*connection_, [&](const GatewayStubs& stubs, grpc::ClientContext& context) {
        return stubs.events->GetEvent(&context, request, &response);
      });
  if (!status.ok()) return status;
  return std::move(*response.mutable_stored_event());
}

absl::StatusOr<v1::ListEventsResponse> Client::ListEvents(
    const v1::ListEventsRequest& request) const {
  v1::ListEventsResponse response;
  const absl::Status status =
      Ask(*connection_, [&](const GatewayStubs& stubs, grpc::ClientContext& context) {
        return stubs.events->ListEvents(&context, request, &response);
      });
  if (!status.ok()) return status;
  return response;
}

absl::Status Client::ForEachEvent(
    v1::ListEventsRequest request,
    const std::function<absl::Status(const v1::StoredEvent& event)>& take) const {
  for (;;) {
    absl::StatusOr<v1::ListEventsResponse> page = ListEvents(request);
    if (!page.ok()) return page.status();
    for (const v1::StoredEvent& event : page->stored_events()) {
      if (absl::Status taken = take(event); !taken.ok()) return taken;
    }
    if (page->next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(page->next_page_token());
  }
}

absl::Status Client::Administer(
    const std::function<grpc::Status(v1::SubscriptionService::StubInterface&,
                                     grpc::ClientContext&)>& call) const {
  return Ask(*connection_, [&](const GatewayStubs& stubs, grpc::ClientContext& context) {
    return call(*stubs.subscriptions, context);
  });
}

absl::Status Client::AdministerQuarantine(
    const std::function<grpc::Status(v1::RejectedCallbackService::StubInterface&,
                                     grpc::ClientContext&)>& call) const {
  return Ask(*connection_, [&](const GatewayStubs& stubs, grpc::ClientContext& context) {
    return call(*stubs.rejected_callbacks, context);
  });
}

absl::Status Client::CreateBackup(
    const std::function<absl::Status(const v1::CreateBackupResponse& part)>& take) const {
  grpc::ClientContext context;
  const auto stubs = connection_->Begin(context);
  if (!stubs.ok()) return stubs.status();
  const auto reader = (*stubs)->backups->CreateBackup(&context, v1::CreateBackupRequest());
  v1::CreateBackupResponse part;
  bool complete = false;
  while (reader->Read(&part)) {
    if (absl::Status taken = take(part); !taken.ok()) {
      context.TryCancel();
      reader->Finish();
      return taken;
    }
    complete = part.has_trailer();
  }
  absl::Status status = connection_->Explain(FromGrpcStatus(reader->Finish()));
  if (!status.ok() || complete) return status;
  return absl::DataLossError("the backup ended before it was complete");
}

std::unique_ptr<Subscriber> Client::Subscribe(SubscribeOptions options,
                                              Subscriber::Handler handler) const {
  const int threads = options.handler_threads;
  return std::unique_ptr<Subscriber>(
      new Subscriber(std::make_shared<SubscriptionEngine>(connection_, std::move(options)), threads,
                     std::move(handler)));
}

std::unique_ptr<Consumer> Client::Consume(SubscribeOptions options) const {
  return std::unique_ptr<Consumer>(
      new Consumer(std::make_shared<SubscriptionEngine>(connection_, std::move(options))));
}

std::unique_ptr<Watcher> Client::Watch(WatchOptions options, Watcher::Handler handler) const {
  return std::unique_ptr<Watcher>(new Watcher(
      std::make_unique<Watcher::Engine>(connection_, std::move(options), std::move(handler))));
}

}  // namespace onhook::client
