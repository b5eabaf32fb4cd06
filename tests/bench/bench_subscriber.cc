#include "tests/bench/bench_subscriber.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/bench/callback_request.h"

namespace onhook {

bool ForgetSubscription(const std::string& server, const std::string& name) {
  const auto stub = v1::SubscriptionService::NewStub(
      grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::DeleteSubscriptionRequest request;
  request.set_name(name);
  v1::DeleteSubscriptionResponse response;
  const grpc::Status status = stub->DeleteSubscription(&context, request, &response);
  return status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND;
}

BenchSubscriber::BenchSubscriber(Options options)
    : options_(std::move(options)),
      stub_(v1::ReleaseEventService::NewStub(
          grpc::CreateChannel(options_.server, grpc::InsecureChannelCredentials()))) {
  stream_ = stub_->Subscribe(&context_);
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription(options_.subscription);
  open.mutable_open()->mutable_create_if_missing()->set_start_position(options_.start);
  stream_->Write(open);
  thread_ = std::thread([this] { Receive(); });
}

BenchSubscriber::~BenchSubscriber() {
  context_.TryCancel();
  thread_.join();
}

bool BenchSubscriber::WaitUntilOpened(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto known = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return opened_ || ended_; };
  mutex_.AwaitWithTimeout(absl::Condition(&known), timeout);
  return opened_ && !ended_;
}

bool BenchSubscriber::WaitUntilSettled(int64_t callbacks, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto known = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ended_ || (distinct_ >= callbacks && acks_under_way_ == 0);
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&known), timeout) && !ended_;
}

int64_t BenchSubscriber::distinct() const {
  absl::MutexLock lock(&mutex_);
  return distinct_;
}

int64_t BenchSubscriber::unexpected() const {
  absl::MutexLock lock(&mutex_);
  return unexpected_;
}

std::string BenchSubscriber::end() const {
  absl::MutexLock lock(&mutex_);
  return end_;
}

void BenchSubscriber::Receive() {
  v1::SubscribeResponse response;
  while (stream_->Read(&response)) {
    if (response.has_deliveries()) Take(response.deliveries());
    absl::MutexLock lock(&mutex_);
    if (response.has_opened()) opened_ = true;
    if (response.has_ack_results()) --acks_under_way_;
  }
  const grpc::Status end = stream_->Finish();
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  end_ = absl::StrCat(end.error_code(), " ", end.error_message());
}

void BenchSubscriber::Take(const v1::Deliveries& deliveries) {
  v1::SubscribeRequest request;
  {
    absl::MutexLock lock(&mutex_);
    for (const v1::Delivery& each : deliveries.deliveries()) {
      request.mutable_ack()->add_delivery_ids(each.delivery_id());
      CountOne(each.event().call_serial_no());
    }
    ++acks_under_way_;
  }
  stream_->Write(request);
}

void BenchSubscriber::CountOne(const std::string& call_serial_no) {
  const int64_t number = CallbackRequest::NumberOf(call_serial_no) - options_.first_number;
  if (number < 0) {
    ++unexpected_;
    return;
  }
  const auto place = static_cast<size_t>(number);
  if (place >= seen_.size()) seen_.resize(place + place / 2 + 1024);
  if (seen_[place]) {
    ++unexpected_;
  } else {
    seen_[place] = true;
    ++distinct_;
  }
}

}  // namespace onhook
