#include "tests/crash/scripted_work.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/clock.h"
#include "gtest/gtest.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

constexpr char kSubscription[] = "scripted";
// Far beyond what any of this takes.
constexpr absl::Duration kPatience = absl::Seconds(60);

}  // namespace

struct ScriptedWork::Stream {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> calls;
  uint64_t last_request = 0;
  std::optional<v1::AckResults> results;
};

ScriptedWork::ScriptedWork(CallLedger* ledger, Size size) : ledger_(ledger), size_(size) {
  ledger_->OpenSubscription(kSubscription);
}

ScriptedWork::~ScriptedWork() { Close(); }

bool ScriptedWork::Open() {
  if (stream_ != nullptr) return true;
  stream_ = std::make_unique<Stream>();
  stream_->channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                               grpc::InsecureChannelCredentials(), OwnConnection());
  stream_->stub = v1::ReleaseEventService::NewStub(stream_->channel);
  LimitTime(stream_->context);
  stream_->calls = stream_->stub->Subscribe(&stream_->context);
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription(kSubscription);
  open.mutable_open()->mutable_create_if_missing();
  stream_->calls->Write(open);
  v1::SubscribeResponse response;
  if (stream_->calls->Read(&response) && response.has_opened()) return true;
  Close();
  return false;
}

void ScriptedWork::Close() {
  delivery_ids_.clear();
  if (stream_ == nullptr) return;
  stream_->context.TryCancel();
  stream_->calls->Finish();
  stream_ = nullptr;
}

void ScriptedWork::EndedByItself() {
  const grpc::Status end = stream_->calls->Finish();
  stream_ = nullptr;
  delivery_ids_.clear();
  gone_ = true;
  EXPECT_TRUE(gateway_->Wait(kPatience).has_value())
      << "it lives, and ended a stream: " << end.error_code() << " " << end.error_message() << "\n"
      << gateway_->log();
}

// -------------------------------------------------------------------------------------- the script

void ScriptedWork::Do(OnhookdProcess& gateway) {
  constexpr Way kWays[] = {Way::kAck, Way::kRetry, Way::kPark, Way::kSkip};
  ++generation_;
  gateway_ = &gateway;
  gone_ = false;
  may_fail_ = true;
  for (int64_t i = 0; i < size_.callbacks && !gone_; ++i) {
    const bool is_open = Open();
    const int64_t number = ledger_->Open();
    if (Post(number) && is_open && Await(number)) Settle(number, kWays[number % 4]);
  }
  if (!gone_) PostWhatIsNone();
  Close();
}

void ScriptedWork::Finish(OnhookdProcess& gateway) {
  ++generation_;
  gateway_ = &gateway;
  gone_ = false;
  may_fail_ = false;
  if (!Open()) {
    gone_ = true;
    EXPECT_TRUE(gateway.Wait(kPatience).has_value()) << "it takes no stream:\n" << gateway.log();
    return;
  }
  for (const int64_t number : std::set<int64_t>(refused_)) {
    EXPECT_TRUE(Post(number) || gone_) << "refused still:\n" << gateway.log();
  }
  const int64_t last = ledger_->Open();
  EXPECT_TRUE(Post(last) || gone_) << gateway.log();
  if (!gone_ && Await(last)) {
    // What is owed came before it; what did not was settled by a request that nobody answered.
    for (const int64_t number : in_doubt_) {
      if (delivery_ids_.count(number) == 0) owed_.erase(number);
    }
    in_doubt_.clear();
  }
  while (!owed_.empty() && !gone_) {
    const int64_t number = *owed_.begin();
    if (Await(number)) Settle(number, Way::kAck);
  }
  EXPECT_TRUE(owed_.empty() || gone_) << owed_.size() << " were not settled:\n" << gateway.log();
  Close();
}

void ScriptedWork::CheckLog(OnhookdProcess& gateway) {
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", gateway.grpc_port()),
                                           grpc::InsecureChannelCredentials());
  {
    v1::ListDeadLettersRequest request;
    request.set_subscription(kSubscription);
    request.set_page_size(1000);
    v1::ListDeadLettersResponse response;
    grpc::ClientContext context;
    LimitTime(context);
    const grpc::Status status =
        v1::SubscriptionService::NewStub(channel)->ListDeadLetters(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ledger_->EnterDeadLetters(kSubscription,
                              {response.dead_letters().begin(), response.dead_letters().end()});
  }
  const auto stub = v1::ReleaseEventService::NewStub(channel);
  v1::WatchRequest request;
  request.set_position(v1::START_POSITION_EARLIEST);
  request.set_stop_at_end(true);
  request.set_observe_only(true);
  Watcher watcher(stub.get(), request);
  std::map<int64_t, int> times;
  while (true) {
    const v1::WatchResponse response = watcher.Next();
    if (response.response_case() == v1::WatchResponse::RESPONSE_NOT_SET) break;
    for (const auto& watched : response.events().events()) {
      const int64_t number = ledger_->NumberOf(watched.event().call_serial_no());
      EXPECT_GE(number, 0) << watched.event().call_serial_no() << " was never sent";
      EXPECT_EQ(++times[number], 1) << watched.event().call_serial_no() << " is stored twice";
    }
  }
  EXPECT_TRUE(watcher.End().ok());
  // All that was refused has been repeated by now.
  EXPECT_EQ(static_cast<int64_t>(times.size()), ledger_->promised());
}

// -------------------------------------------------------------------------------------- the vendor

std::string ScriptedWork::BodyFor(int64_t number) const {
  return absl::StrCat(R"({"callSerialNo":")", ledger_->CallSerialNo(number),
                      R"(","serviceNo":null,"called":")", ledger_->Called(number),
                      R"(","callData":")", ledger_->CallData(number),
                      R"(","releaseTime":"2022/02/22,10:04:36:318","talkDuration":"6",)",
                      R"("padding":")", std::string(size_.padding, '.'), R"(","releaseReason":")",
                      ledger_->ReleaseReason(number), R"("})");
}

RawAnswer ScriptedWork::Send(const std::string& body) {
  RawHttpClient connection(gateway_->http_port());
  RawAnswer answer =
      connection
          .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                             body.size(), "\r\n\r\n", body))
          .ReadAnswer();
  if (answer.status == 0) {
    gone_ = true;
    EXPECT_TRUE(gateway_->Wait(kPatience).has_value()) << "it lives, and does not answer:\n"
                                                       << gateway_->log();
  }
  if (absl::StrContains(answer.body, R"("retCode":"3")")) {
    EXPECT_TRUE(absl::StrContains(answer.head, "Retry-After: ")) << answer.head;
  }
  return answer;
}

bool ScriptedWork::Post(int64_t number) {
  refused_.insert(number);  // until it is known better
  const RawAnswer answer = Send(BodyFor(number));
  if (answer.status == 0) return false;
  const bool accepted = answer.status == 200 && absl::StrContains(answer.body, R"("retCode":"0")");
  const bool stored = answer.status == 503 && absl::StrContains(answer.body, R"("retCode":"2")");
  if (!accepted && !stored) {
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_TRUE(absl::StrContains(answer.body, R"("retCode":"3")")) << answer.body;
    ++not_stored_;
    return false;
  }
  refused_.erase(number);
  owed_.insert(number);
  ledger_->Promised(number);
  return true;
}

void ScriptedWork::PostWhatIsNone() {
  const RawAnswer answer = Send(R"({"callSerialNo":""})");
  if (answer.status == 0) return;
  const bool refused = answer.status == 400 && absl::StrContains(answer.body, R"("retCode":"1")");
  const bool again = answer.status == 503 && absl::StrContains(answer.body, R"("retCode":"3")");
  EXPECT_TRUE(refused || again) << answer.status << " " << answer.body;
}

// ----------------------------------------------------------------------------------- the
// subscriber

bool ScriptedWork::ReadOne() {
  v1::SubscribeResponse response;
  if (!stream_->calls->Read(&response)) {
    EndedByItself();
    return false;
  }
  if (response.has_deliveries()) Take(response.deliveries());
  if (response.has_ack_results()) stream_->results = response.ack_results();
  return true;
}

void ScriptedWork::Take(const v1::Deliveries& deliveries) {
  for (const v1::Delivery& delivery : deliveries.deliveries()) {
    const int64_t number =
        ledger_->Received(kSubscription, delivery, generation_, SystemClock().Elapsed());
    if (number >= 0) delivery_ids_[number] = delivery.delivery_id();
  }
}

bool ScriptedWork::Await(int64_t number) {
  while (delivery_ids_.count(number) == 0) {
    if (!ReadOne()) return false;
  }
  return true;
}

v1::SubscribeRequest ScriptedWork::RequestTo(Way way, const std::string& delivery_id) {
  v1::SubscribeRequest request;
  if (way == Way::kAck) {
    request.mutable_ack()->set_request_id(++stream_->last_request);
    request.mutable_ack()->add_delivery_ids(delivery_id);
    return request;
  }
  v1::NackRequest& nack = *request.mutable_nack();
  nack.set_request_id(++stream_->last_request);
  nack.add_delivery_ids(delivery_id);
  if (way == Way::kRetry) nack.mutable_delay()->set_nanos(1'000'000);
  nack.set_action(way == Way::kRetry  ? v1::NackRequest::ACTION_RETRY
                  : way == Way::kPark ? v1::NackRequest::ACTION_PARK
                                      : v1::NackRequest::ACTION_SKIP);
  return request;
}

void ScriptedWork::Settle(int64_t number, Way way) {
  const bool ends = way != Way::kRetry;
  const std::string delivery_id = delivery_ids_[number];
  delivery_ids_.erase(number);
  if (way == Way::kPark) ledger_->AskedToPark(kSubscription, number);
  if (ends) {
    ledger_->Asked(kSubscription, number, generation_);
    in_doubt_.insert(number);
  }
  stream_->results.reset();
  stream_->calls->Write(RequestTo(way, delivery_id));
  while (!stream_->results.has_value()) {
    if (!ReadOne()) return;
  }
  if (ends) ledger_->Answered(kSubscription, number, generation_);
  in_doubt_.erase(number);
  if (!stream_->results->exceptions().empty()) {
    delivery_ids_.emplace(number, delivery_id);
    EXPECT_TRUE(may_fail_) << stream_->results->ShortDebugString();
    return;
  }
  if (!ends) {
    // It comes again, as another delivery, and then it is right.
    if (Await(number)) Settle(number, Way::kAck);
    return;
  }
  owed_.erase(number);
  if (way == Way::kPark) {
    ledger_->ConfirmedParked(kSubscription, number, SystemClock().Elapsed());
  } else {
    ledger_->Confirmed(kSubscription, number, SystemClock().Elapsed());
  }
}

}  // namespace onhook
