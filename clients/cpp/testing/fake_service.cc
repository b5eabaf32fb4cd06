#include "clients/cpp/testing/fake_service.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "onhook/event_view.h"

namespace onhook::testing {
namespace {

// As the proto has it.
constexpr int64_t kDefaultOutstanding = 1000;

grpc::Status ToGrpc(const absl::Status& status) {
  // The two sets of codes have the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(status.message()));
}

}  // namespace

FakeGateway::Service::Service(const FakeGatewayOptions& options) : options_(options) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.address, grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  heartbeats_ = std::thread([this] { SendHeartbeats(); });
}

FakeGateway::Service::~Service() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    changed_.SignalAll();
  }
  heartbeats_.join();
  EndStreams(absl::UnavailableError("the fake gateway ends"));
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::string FakeGateway::Service::address() const {
  if (absl::StartsWith(options_.address, "unix:")) return options_.address;
  return absl::StrCat(options_.address.substr(0, options_.address.rfind(':')), ":", port_);
}

std::string FakeGateway::Service::Publish(v1::ReleaseEvent event) {
  absl::MutexLock lock(&mutex_);
  std::string event_id = ledger_.Add(std::move(event), absl::Now());
  HandOut();
  return event_id;
}

std::optional<Outcome> FakeGateway::Service::NextOutcome(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const bool came = changed_.AwaitUntil(
      &mutex_, client::SteadyNow() + patience,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return told_outcomes_ < outcomes_.size(); });
  if (!came) return std::nullopt;
  return outcomes_[told_outcomes_++];
}

std::vector<Outcome> FakeGateway::Service::outcomes() const {
  absl::MutexLock lock(&mutex_);
  return outcomes_;
}

v1::SubscriptionTimeline::State FakeGateway::Service::StateOf(absl::string_view subscription,
                                                              absl::string_view event_id) const {
  absl::MutexLock lock(&mutex_);
  return ledger_.StateOf(std::string(subscription), event_id);
}

void FakeGateway::Service::EndStreams(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  for (const auto& stream : subscribers_) stream->End(ToGrpc(why));
  for (const auto& stream : watchers_) stream->End(ToGrpc(why));
}

void FakeGateway::Service::GoAway(v1::GoAway::Reason reason) {
  absl::MutexLock lock(&mutex_);
  for (const auto& stream : subscribers_) {
    stream->going_away = reason != v1::GoAway::REASON_MAX_AGE;
    v1::SubscribeResponse response;
    response.mutable_go_away()->set_reason(reason);
    stream->Send(std::move(response));
  }
}

void FakeGateway::Service::Refuse(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  refusal_ = why;
}

void FakeGateway::Service::FallSilent() {
  absl::MutexLock lock(&mutex_);
  for (const auto& stream : subscribers_) stream->FallSilent();
  for (const auto& stream : watchers_) stream->FallSilent();
}

void FakeGateway::Service::AnswerSettlements(bool answers) {
  absl::MutexLock lock(&mutex_);
  answers_ = answers;
}

bool FakeGateway::Service::AwaitStreams(int count, absl::Duration patience) const {
  absl::MutexLock lock(&mutex_);
  return changed_.AwaitUntil(&mutex_, client::SteadyNow() + patience,
                             [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                               int64_t open = 0;
                               for (const auto& stream : subscribers_) {
                                 open += stream->open() && !stream->subscription.empty() ? 1 : 0;
                               }
                               for (const auto& stream : watchers_) open += stream->open() ? 1 : 0;
                               return open == count;
                             });
}

bool FakeGateway::Service::AwaitPaused(bool paused, absl::Duration patience) const {
  absl::MutexLock lock(&mutex_);
  return changed_.AwaitUntil(&mutex_, client::SteadyNow() + patience,
                             [this, paused]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                               return !subscribers_.empty() &&
                                      subscribers_.back()->paused == paused;
                             });
}

grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse>*
FakeGateway::Service::Subscribe(grpc::CallbackServerContext*) {
  auto owned = std::make_unique<SubscribeStream>(this);
  SubscribeStream* const stream = owned.get();
  absl::MutexLock lock(&mutex_);
  subscribers_.push_back(std::move(owned));
  stream->Begin();
  if (!refusal_.ok()) stream->End(ToGrpc(refusal_));
  return stream;
}

void FakeGateway::Service::Heard(SubscribeStream* stream, bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok) {
    // Half-closed, or gone. What it holds goes to others.
    ledger_.Release(stream);
    stream->End(grpc::Status::OK);
  } else {
    Answer(stream);
    stream->Begin();
  }
  HandOut();
  changed_.SignalAll();
}

void FakeGateway::Service::Answer(SubscribeStream* stream) {
  const v1::SubscribeRequest& request = stream->incoming;
  v1::SubscribeResponse response;
  switch (request.request_case()) {
    case v1::SubscribeRequest::kOpen:
      return Open(stream);
    case v1::SubscribeRequest::kFlow:
      if (request.flow().has_paused()) stream->paused = request.flow().paused();
      if (request.flow().has_max_outstanding_events()) {
        stream->max_outstanding = request.flow().max_outstanding_events();
      }
      return;
    case v1::SubscribeRequest::kAck:
      *response.mutable_ack_results() = ledger_.Settle(request.ack(), &outcomes_);
      break;
    case v1::SubscribeRequest::kNack:
      *response.mutable_ack_results() = ledger_.Settle(request.nack(), &outcomes_);
      break;
    case v1::SubscribeRequest::kExtend:
      *response.mutable_ack_results() = ledger_.Extend(request.extend());
      break;
    case v1::SubscribeRequest::REQUEST_NOT_SET:
      return;
  }
  if (answers_) stream->Send(std::move(response));
}

void FakeGateway::Service::Open(SubscribeStream* stream) {
  const v1::SubscribeOpen& open = stream->incoming.open();
  if (open.subscription().empty()) {
    return stream->End({grpc::StatusCode::INVALID_ARGUMENT, "a subscription has a name"});
  }
  stream->subscription = open.subscription();
  stream->max_outstanding =
      open.has_max_outstanding_events() ? open.max_outstanding_events() : kDefaultOutstanding;
  ledger_.Open(open.subscription());
  v1::SubscribeResponse response;
  v1::SubscribeOpened& opened = *response.mutable_opened();
  opened.set_max_outstanding_events(static_cast<int32_t>(stream->max_outstanding));
  opened.set_store_id("fake");
  opened.set_server_version("fake");
  opened.set_durability_class(v1::DURABILITY_CLASS_MEMORY);
  opened.set_backlog_events(ledger_.BacklogOf(open.subscription()));
  *opened.mutable_heartbeat_interval() = client::ToProto(options_.heartbeat_interval);
  stream->Send(std::move(response));
}

void FakeGateway::Service::HandOut() {
  for (const auto& stream : subscribers_) HandOutTo(stream.get());
  const size_t end = ledger_.events().size();
  for (const auto& stream : watchers_) {
    if (!stream->open() || stream->silent() || stream->next == end) continue;
    v1::WatchResponse response;
    for (; stream->next < end; ++stream->next) {
      v1::WatchedEvent& watched = *response.mutable_events()->add_events();
      *watched.mutable_event() = ledger_.events()[stream->next];
      watched.set_cursor(FakeLedger::CursorAt(stream->next + 1));
    }
    stream->Send(std::move(response));
  }
}

void FakeGateway::Service::HandOutTo(SubscribeStream* stream) {
  const bool takes = stream->open() && !stream->silent() && !stream->subscription.empty() &&
                     !stream->paused && !stream->going_away;
  if (!takes) return;
  v1::SubscribeResponse response;
  for (int64_t held = ledger_.HeldBy(stream); held < stream->max_outstanding; ++held) {
    std::optional<v1::Delivery> delivery = ledger_.HandOut(stream->subscription, stream);
    if (!delivery.has_value()) break;
    if (options_.ack_deadline < absl::InfiniteDuration()) {
      *delivery->mutable_ack_deadline() = client::ToProto(options_.ack_deadline);
    }
    *response.mutable_deliveries()->add_deliveries() = *std::move(delivery);
  }
  if (response.has_deliveries()) stream->Send(std::move(response));
}

void FakeGateway::Service::Forget(SubscribeStream* stream) {
  absl::MutexLock lock(&mutex_);
  ledger_.Release(stream);
  subscribers_.remove_if([stream](const auto& each) { return each.get() == stream; });
  HandOut();
  changed_.SignalAll();
}

void FakeGateway::Service::Forget(WatchStream* stream) {
  absl::MutexLock lock(&mutex_);
  watchers_.remove_if([stream](const auto& each) { return each.get() == stream; });
  changed_.SignalAll();
}

grpc::ServerWriteReactor<v1::WatchResponse>* FakeGateway::Service::Watch(
    grpc::CallbackServerContext*, const v1::WatchRequest* request) {
  auto owned = std::make_unique<WatchStream>(this, *request);
  WatchStream* const stream = owned.get();
  absl::MutexLock lock(&mutex_);
  watchers_.push_back(std::move(owned));
  if (refusal_.ok()) {
    Begin(stream);
  } else {
    stream->End(ToGrpc(refusal_));
  }
  changed_.SignalAll();
  return stream;
}

void FakeGateway::Service::Begin(WatchStream* stream) {
  const v1::WatchRequest& request = stream->request;
  const std::vector<v1::ReleaseEvent>& events = ledger_.events();
  stream->next = events.size();
  if (request.position() == v1::START_POSITION_EARLIEST) stream->next = 0;
  if (request.has_since_time()) {
    const auto first = std::find_if(events.begin(), events.end(), [&](const auto& event) {
      return client::ToTime(event.received_at()) >= client::ToTime(request.since_time());
    });
    stream->next = static_cast<size_t>(first - events.begin());
  }
  if (!request.after_cursor().empty()) {
    const absl::StatusOr<size_t> index = ledger_.IndexOf(request.after_cursor());
    if (!index.ok()) return stream->End(ToGrpc(index.status()));
    stream->next = *index;
  }
  v1::WatchResponse response;
  response.mutable_heartbeat()->set_cursor(FakeLedger::CursorAt(stream->next));
  *response.mutable_heartbeat()->mutable_interval() = client::ToProto(options_.heartbeat_interval);
  stream->Send(std::move(response));
  HandOut();
  if (request.stop_at_end()) stream->End(grpc::Status::OK);
}

grpc::ServerUnaryReactor* FakeGateway::Service::GetEvent(grpc::CallbackServerContext* context,
                                                         const v1::GetEventRequest* request,
                                                         v1::GetEventResponse* response) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<v1::StoredEvent> stored = ledger_.Find(request->event_id());
  if (stored.ok()) *response->mutable_stored_event() = *stored;
  return Answer(context, refusal_.ok() ? stored.status() : refusal_);
}

grpc::ServerUnaryReactor* FakeGateway::Service::ListEvents(grpc::CallbackServerContext* context,
                                                           const v1::ListEventsRequest* request,
                                                           v1::ListEventsResponse* response) {
  absl::MutexLock lock(&mutex_);
  *response = ledger_.List(*request);
  return Answer(context, refusal_);
}

grpc::ServerUnaryReactor* FakeGateway::Service::Answer(grpc::CallbackServerContext* context,
                                                       const absl::Status& status) const {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

void FakeGateway::Service::SendHeartbeats() {
  absl::MutexLock lock(&mutex_);
  const auto ends = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_; };
  while (!changed_.AwaitUntil(&mutex_, client::SteadyNow() + options_.heartbeat_interval, ends)) {
    for (const auto& stream : subscribers_) {
      if (stream->subscription.empty()) continue;
      v1::SubscribeResponse response;
      *response.mutable_heartbeat()->mutable_interval() =
          client::ToProto(options_.heartbeat_interval);
      stream->Send(std::move(response));
    }
    for (const auto& stream : watchers_) {
      v1::WatchResponse response;
      response.mutable_heartbeat()->set_cursor(FakeLedger::CursorAt(stream->next));
      *response.mutable_heartbeat()->mutable_interval() =
          client::ToProto(options_.heartbeat_interval);
      stream->Send(std::move(response));
    }
  }
}

}  // namespace onhook::testing
