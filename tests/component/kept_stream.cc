#include "tests/component/kept_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/stream_clients.h"

namespace onhook {

KeptStream::KeptStream(const std::shared_ptr<grpc::Channel>& channel,
                       const std::string& subscription, const std::string& token)
    : stub_(v1::ReleaseEventService::NewStub(channel)) {
  ShowToken(context_, token);
  std::unique_ptr<Stream> stream = stub_->Subscribe(&context_);
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription(subscription);
  open.mutable_open()->mutable_create_if_missing();
  stream->Write(open);
  thread_ = std::thread(&KeptStream::Receive, this, std::move(stream));
}

KeptStream::~KeptStream() {
  context_.TryCancel();
  thread_.join();
}

bool KeptStream::AwaitOpened(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&opened_), timeout);
}

bool KeptStream::AwaitDeliveries(size_t count, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto have_come = [&]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_.size() >= count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&have_come), timeout);
}

std::optional<grpc::Status> KeptStream::AwaitEnd(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto has_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return end_.has_value(); };
  mutex_.AwaitWithTimeout(absl::Condition(&has_ended), timeout);
  return end_;
}

std::vector<std::string> KeptStream::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

v1::GoAway::Reason KeptStream::go_away() const {
  absl::MutexLock lock(&mutex_);
  return go_away_;
}

void KeptStream::Receive(std::unique_ptr<Stream> stream) {
  v1::SubscribeResponse response;
  while (stream->Read(&response)) {
    if (response.has_deliveries()) Settle(response.deliveries(), *stream);
    const uint64_t settled = response.ack_results().request_id();
    // What was sent before the pause came before this answer.
    if (pausing_request_ != 0 && settled >= pausing_request_ && settled == last_request_) {
      stream->WritesDone();
    }
    absl::MutexLock lock(&mutex_);
    if (response.has_opened()) opened_ = true;
    if (response.has_go_away()) go_away_ = response.go_away().reason();
  }
  const grpc::Status end = stream->Finish();
  absl::MutexLock lock(&mutex_);
  end_ = end;
}

void KeptStream::Settle(const v1::Deliveries& deliveries, Stream& stream) {
  {
    absl::MutexLock lock(&mutex_);
    for (const v1::Delivery& delivery : deliveries.deliveries()) {
      const bool is_again = delivery.attempt() > 1;
      calls_.push_back(absl::StrCat(delivery.event().call_serial_no(), is_again ? " again" : ""));
    }
  }
  if (leaving_ && pausing_request_ == 0) {
    v1::SubscribeRequest pause;
    pause.mutable_flow()->set_paused(true);
    stream.Write(pause);
    pausing_request_ = last_request_ + 1;
  }
  v1::SubscribeRequest ack;
  ack.mutable_ack()->set_request_id(++last_request_);
  for (const v1::Delivery& delivery : deliveries.deliveries()) {
    ack.mutable_ack()->add_delivery_ids(delivery.delivery_id());
  }
  stream.Write(ack);
}

}  // namespace onhook
