#include "tests/fuzz/stream_run.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gateway/event/event_identity.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

// Without anything to send after it, nothing more comes of the store's own work.
constexpr int kMostWork = 100;

DeliveryOptions Options() {
  DeliveryOptions options;
  options.tick_interval = absl::InfiniteDuration();  // StreamCall::Tick looks at deadlines
  return options;
}

EmbeddedStoreOptions StoreOptions(StoreWork* work) {
  EmbeddedStoreOptions options;
  options.by_hand = work;
  options.commits.linger = absl::InfiniteDuration();  // until StreamGateway::Commit
  options.tail_bytes = 1 << 20;
  return options;
}

NewEvent EventOf(int number, int service_no, absl::Time now) {
  v1::ReleaseEvent event;
  event.set_call_serial_no(absl::StrCat(number));
  event.set_service_no(absl::StrCat(service_no));
  event.set_source("default");
  const std::string digest = EventDigest("default", {});
  event.set_event_id(EventId(digest, event.call_serial_no()));
  return {event.call_serial_no(), "default", digest, now, event.SerializeAsString()};
}

template <typename Message>
Message Parse(grpc::ByteBuffer bytes) {
  Message message;
  FUZZ_CHECK(grpc::SerializationTraits<Message>::Deserialize(&bytes, &message).ok());
  return message;
}

}  // namespace

int NumberOf(const v1::ReleaseEvent& event) {
  int number = 0;
  FUZZ_CHECK(absl::SimpleAtoi(event.call_serial_no(), &number));
  return number;
}

StreamGateway::StreamGateway(std::shared_ptr<MemoryDisk> disk, ManualClock* clock, bool ticks)
    : clock_(clock),
      ticks_(ticks),
      log_(clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}),
      store_(*OpenMemoryStore(std::move(disk), clock, &log_, StoreOptions(&work_))),
      desk_(clock, store_.get(), ReceiptDeskOptions()),
      executor_(16),
      registry_(Options(), clock),
      options_(Options()),
      environment_([this] {
        StreamEnvironment environment;
        environment.options = &options_;
        environment.store = store_.get();
        environment.desk = &desk_;
        environment.clock = clock_;
        environment.log = &log_;
        environment.registry = &registry_;
        environment.executor = &executor_;
        return environment;
      }()),
      service_(&environment_) {
  store_->log().AddTailListener([this](Sequence) { registry_.TailGrew(); });
}

StreamGateway::~StreamGateway() {
  executor_.Stop();
  registry_.Stop();
  FUZZ_CHECK(registry_.size() == 0);
  FUZZ_CHECK(store_->Close().ok());
}

void StreamGateway::Commit() {
  NewEvent nothing = EventOf(0, 0, clock_->Now());
  nothing.only_if_known = true;
  bool done = false;
  store_->log().Append(std::move(nothing),
                       [&](const absl::StatusOr<AppendResult>&) { done = true; });
  while (!done) work_.commit();
  while (work_.read()) {
  }
}

void StreamGateway::Work() {
  if (ticks_) work_.tick();
  Commit();
}

void StreamGateway::Append(int number, int service_no) {
  bool done = false;
  store_->log().Append(EventOf(number, service_no, clock_->Now()),
                       [&](const absl::StatusOr<AppendResult>& result) {
                         FUZZ_CHECK(result.ok());
                         FUZZ_CHECK(!result->duplicate);
                         done = true;
                       });
  while (!done) work_.commit();
}

void StreamGateway::AwaitCreating() {
  absl::Notification done;
  FUZZ_CHECK(executor_.Run([&] { done.Notify(); }));
  done.WaitForNotification();
}

std::set<int> StreamGateway::DeadLettersOf(SubscriptionQueue& queue) {
  std::set<int> numbers;
  bool done = false;
  queue.ListDeadLetters(0, ReadLimits{1000, 1 << 20},
                        [&](const absl::StatusOr<std::vector<DeadLetter>>& letters) {
                          FUZZ_CHECK(letters.ok());
                          for (const DeadLetter& letter : *letters) {
                            v1::ReleaseEvent event;
                            FUZZ_CHECK(event.ParseFromString(letter.event->event));
                            numbers.insert(NumberOf(event));
                          }
                          done = true;
                        });
  while (!done) work_.read();
  return numbers;
}

bool StreamGateway::IsExcluded(const SubscriptionQueue& queue, int number) {
  bool excluded = false;
  bool done = false;
  store_->log().Read(number - 1, ReadLimits{1, 1}, [&](const absl::StatusOr<LogPage>& page) {
    FUZZ_CHECK(page.ok() && page->events.size() == 1);
    v1::ReleaseEvent event;
    FUZZ_CHECK(event.ParseFromString(page->events[0]->event));
    FUZZ_CHECK(NumberOf(event) == number);
    excluded = queue.Excludes(event);
    done = true;
  });
  while (!done) work_.read();
  return excluded;
}

void StreamLedger::Open(const v1::SubscribeOpen& open) {
  const v1::SubscriptionSpec& spec = open.create_if_missing();
  const bool starts_late = spec.start_position() == v1::START_POSITION_LATEST;
  if (starts_late || spec.has_backlog_limit() || spec.has_expire_after_unused()) {
    unknown_.insert(open.subscription());
  }
}

void StreamLedger::Take(const std::string& subscription, const v1::Delivery& delivery) {
  const Delivered event = {subscription, NumberOf(delivery.event())};
  FUZZ_CHECK(!delivery.delivery_id().empty());
  FUZZ_CHECK(delivery.attempt() >= 1);
  FUZZ_CHECK(!MustNotCome(event));
  // An id is of one delivery for good.
  FUZZ_CHECK(by_id_.emplace(delivery.delivery_id(), event).second);
  delivery_ids_.push_back(delivery.delivery_id());
}

std::vector<std::pair<std::string, StreamLedger::Delivered>> StreamLedger::Settles(
    const std::string& subscription, const v1::SubscribeRequest& request) const {
  std::vector<std::pair<std::string, Delivered>> settles;
  const bool skips = request.has_nack() && request.nack().action() == v1::NackRequest::ACTION_SKIP;
  if (!request.has_ack() && !skips) return settles;
  const auto& ids =
      request.has_ack() ? request.ack().delivery_ids() : request.nack().delivery_ids();
  for (const std::string& id : ids) {
    const auto known = by_id_.find(id);
    // Another subscription's id settles nothing here, nor there.
    if (known == by_id_.end() || known->second.first != subscription) continue;
    settles.emplace_back(id, known->second);
  }
  return settles;
}

void StreamLedger::Sent(const std::string& subscription, const v1::SubscribeRequest& request) {
  for (const auto& [id, event] : Settles(subscription, request)) asked_.insert(event);
}

void StreamLedger::Answered(const std::string& subscription, const v1::SubscribeRequest& request,
                            const v1::AckResults& results) {
  std::set<std::string> excepted;
  for (const auto& exception : results.exceptions()) {
    FUZZ_CHECK(exception.result() != v1::AckResults::RESULT_UNSPECIFIED);
    excepted.insert(exception.delivery_id());
  }
  for (const auto& [id, event] : Settles(subscription, request)) {
    if (excepted.count(id) == 0) settled_.insert(event);
  }
}

StreamClient::StreamClient(StreamGateway* gateway, StreamLedger* ledger,
                           std::unique_ptr<StreamCall> call, std::string request, bool watches)
    : gateway_(gateway),
      ledger_(ledger),
      call_(std::move(call)),
      request_(std::move(request)),
      watches_(watches) {
  Pump();
}

void StreamClient::Send(const grpc::ByteBuffer& request) {
  if (ended() || !call_->wants_request()) return;
  grpc::ByteBuffer copy = request;
  v1::SubscribeRequest parsed;
  const bool parses =
      grpc::SerializationTraits<v1::SubscribeRequest>::Deserialize(&copy, &parsed).ok();
  if (parses && parsed.has_open() && !opened_) {
    subscription_ = parsed.open().subscription();
    ledger_->Open(parsed.open());
  }
  const bool is_answered = parsed.has_ack() || parsed.has_nack() || parsed.has_extend();
  if (parses && opened_ && is_answered) {
    unanswered_.push_back(parsed);
    ledger_->Sent(subscription_, parsed);
  }
  call_->Send(request);
  // Creating a subscription is another thread's; everything else has happened by now.
  if (!opened_) gateway_->AwaitCreating();
  Pump();
}

void StreamClient::HalfClose() {
  if (ended()) return;
  call_->HalfClose();
  Pump();
}

void StreamClient::Cancel() {
  if (ended()) return;
  unanswered_.clear();
  call_->Cancel();
  // Another thread may be about to let it go.
  while (!ended()) AwaitAnswer();
}

void StreamClient::Tick(absl::Duration now) {
  call_->Tick(now);
  Pump();
}

void StreamClient::AwaitAnswer() {
  for (int i = 0; i < kMostWork && !call_->has_answer(); ++i) gateway_->Work();
  // Else it is the thread that creates subscriptions which is to bring it about.
  FUZZ_CHECK(call_->AwaitAnswer());
  Pump();
}

void StreamClient::Pump() {
  do {
    gateway_->Commit();
  } while (TakeAnswers());
  call_->Settle();
  // A stream that ended in order has answered everything that it took.
  const std::optional<grpc::Status> status = call_->status();
  if (status.has_value() && status->ok()) FUZZ_CHECK(unanswered_.empty());
}

bool StreamClient::TakeAnswers() {
  bool any = false;
  while (std::optional<grpc::ByteBuffer> answer = call_->TakeAnswer(!fails_next_)) {
    any = true;
    if (std::exchange(fails_next_, false)) {
      has_failed_ = true;
      unanswered_.clear();
      continue;
    }
    if (watches_) {
      Take(Parse<v1::WatchResponse>(*answer));
    } else {
      Take(Parse<v1::SubscribeResponse>(*answer));
    }
  }
  return any;
}

void StreamClient::Take(const v1::SubscribeResponse& response) {
  FUZZ_CHECK(opened_ == !response.has_opened());
  switch (response.response_case()) {
    case v1::SubscribeResponse::kOpened:
      opened_ = true;
      break;
    case v1::SubscribeResponse::kDeliveries:
      FUZZ_CHECK(response.deliveries().deliveries_size() > 0);
      for (const v1::Delivery& delivery : response.deliveries().deliveries()) {
        ledger_->Take(subscription_, delivery);
        events_.push_back(NumberOf(delivery.event()));
      }
      break;
    case v1::SubscribeResponse::kAckResults: {
      const v1::AckResults& results = response.ack_results();
      const auto request = std::find_if(
          unanswered_.begin(), unanswered_.end(), [&](const v1::SubscribeRequest& sent) {
            return results.request_id() ==
                   std::max({sent.ack().request_id(), sent.nack().request_id(),
                             sent.extend().request_id()});
          });
      FUZZ_CHECK(request != unanswered_.end());
      ledger_->Answered(subscription_, *request, results);
      unanswered_.erase(request);
      break;
    }
    case v1::SubscribeResponse::kHeartbeat:
    case v1::SubscribeResponse::kGoAway:
      break;
    case v1::SubscribeResponse::RESPONSE_NOT_SET:
      FUZZ_CHECK(false);
  }
}

void StreamClient::Take(const v1::WatchResponse& response) {
  FUZZ_CHECK(response.response_case() != v1::WatchResponse::RESPONSE_NOT_SET);
  for (const v1::WatchedEvent& event : response.events().events()) {
    const int number = NumberOf(event.event());
    FUZZ_CHECK(!event.cursor().empty());
    FUZZ_CHECK(events_.empty() || events_.back() < number);  // in order, each once
    events_.push_back(number);
  }
}

}  // namespace onhook
