#include "tests/chaos/consumer_stream.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/support/say_line.h"

namespace onhook {

using consumer_lines::FormatMoment;
namespace {

// What is asked by such a request may be done, whatever the answer.
bool Settles(absl::string_view kind) { return kind == "ack" || kind == "skip" || kind == "park"; }

}  // namespace

ConsumerStream::ConsumerStream(int gateway, int port, v1::SubscribeOpen open) {
  SayLine(absl::StrCat(consumer_lines::kStream, " ", gateway, " ", FormatMoment(clock_.Elapsed())));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::ReleaseEventService::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments));
  stream_ = stub_->Subscribe(&context_);
  v1::SubscribeRequest request;
  *request.mutable_open() = std::move(open);
  stream_->Write(request);
  reader_ = std::thread([this] { Read(); });
}

ConsumerStream::~ConsumerStream() {
  if (reader_.joinable()) Finish();
}

bool ConsumerStream::WaitForSomething(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ended_ || !held_.empty();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&something), timeout);
  return !ended_;
}

void ConsumerStream::WaitUntilEnded(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&ended_), timeout);
}

void ConsumerStream::WaitUntilAnswered(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto answered = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ended_ || requests_.empty();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&answered), timeout);
}

std::vector<ConsumerStream::Held> ConsumerStream::Take() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(held_, {});
}

void ConsumerStream::Keep(std::vector<Held> held) {
  absl::MutexLock lock(&mutex_);
  held_.insert(held_.begin(), std::make_move_iterator(held.begin()),
               std::make_move_iterator(held.end()));
}

void ConsumerStream::Ack(absl::string_view kind, const std::vector<Held>& held) {
  if (held.empty()) return;
  v1::SubscribeRequest request;
  request.mutable_ack()->set_request_id(Announce(kind, held));
  for (const Held& each : held) request.mutable_ack()->add_delivery_ids(each.delivery_id);
  stream_->Write(request);
}

void ConsumerStream::Nack(absl::string_view kind, v1::NackRequest nack,
                          const std::vector<Held>& held) {
  if (held.empty()) return;
  v1::SubscribeRequest request;
  *request.mutable_nack() = std::move(nack);
  request.mutable_nack()->set_request_id(Announce(kind, held));
  for (const Held& each : held) request.mutable_nack()->add_delivery_ids(each.delivery_id);
  stream_->Write(request);
}

void ConsumerStream::Extend(absl::Duration ack_deadline, const std::vector<Held>& held) {
  if (held.empty()) return;
  v1::SubscribeRequest request;
  request.mutable_extend()->set_request_id(Announce("extend", held));
  for (const Held& each : held) request.mutable_extend()->add_delivery_ids(each.delivery_id);
  request.mutable_extend()->mutable_ack_deadline()->set_seconds(absl::ToInt64Seconds(ack_deadline));
  stream_->Write(request);
}

void ConsumerStream::ChangeFlow(const v1::FlowControl& flow) {
  v1::SubscribeRequest request;
  *request.mutable_flow() = flow;
  stream_->Write(request);
}

std::vector<ConsumerStream::Held> ConsumerStream::Finish() {
  reader_.join();
  const grpc::Status end = stream_->Finish();
  SayLine(absl::StrCat(consumer_lines::kEnded, " ", end.error_code(), " ", end.error_message()));
  return Take();
}

std::vector<ConsumerStream::Held> ConsumerStream::TakeRefused() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(refused_, {});
}

std::vector<ConsumerStream::Held> ConsumerStream::Unanswered() {
  absl::MutexLock lock(&mutex_);
  std::vector<Held> unanswered = std::exchange(refused_, {});
  for (const auto& [id, request] : requests_) {
    if (request.kind != "ack" && request.kind != "skip") continue;
    unanswered.insert(unanswered.end(), request.held.begin(), request.held.end());
  }
  return unanswered;
}

void ConsumerStream::Read() {
  v1::SubscribeResponse response;
  while (stream_->Read(&response)) {
    for (const v1::Delivery& delivery : response.deliveries().deliveries()) {
      SayLine(absl::StrCat(consumer_lines::kReceived, " ",
                           absl::WebSafeBase64Escape(delivery.SerializeAsString())));
      absl::MutexLock lock(&mutex_);
      held_.push_back(
          {delivery.event().call_serial_no(), delivery.delivery_id(), delivery.attempt()});
    }
    if (response.has_ack_results()) TakeResults(response.ack_results());
    // A planned end: it goes on over another stream.
    if (response.has_go_away()) Cancel();
  }
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

void ConsumerStream::TakeResults(const v1::AckResults& results) {
  const absl::Duration read_at = clock_.Elapsed();
  Request request;
  {
    absl::MutexLock lock(&mutex_);
    const auto entry = requests_.find(results.request_id());
    if (entry == requests_.end()) return SayLine("an answer to no request");
    request = entry->second;
  }
  std::set<std::string> excepted;
  for (const v1::AckResults::Exception& exception : results.exceptions()) {
    excepted.insert(exception.delivery_id());
  }
  std::string done = absl::StrCat(consumer_lines::kDone, " ", request.kind, " ",
                                  FormatMoment(request.asked_at), " ", FormatMoment(read_at));
  for (const Held& each : request.held) {
    if (excepted.count(each.delivery_id) == 0) absl::StrAppend(&done, " ", each.call);
  }
  SayLine(done);
  std::vector<Held> refused;
  for (const v1::AckResults::Exception& exception : results.exceptions()) {
    const auto named =
        std::find_if(request.held.begin(), request.held.end(),
                     [&](const Held& each) { return each.delivery_id == exception.delivery_id(); });
    if (named != request.held.end() && Settles(request.kind) &&
        exception.result() == v1::AckResults::RESULT_RETRY_LATER) {
      refused.push_back(*named);
    }
    SayLine(absl::StrCat(consumer_lines::kRefused, " ", request.kind, " ",
                         v1::AckResults::Result_Name(exception.result()), " ",
                         named == request.held.end() ? "nothing" : named->call));
  }
  absl::MutexLock lock(&mutex_);
  requests_.erase(results.request_id());  // answered, once that was said
  refused_.insert(refused_.end(), refused.begin(), refused.end());
}

uint64_t ConsumerStream::Announce(absl::string_view kind, const std::vector<Held>& held) {
  std::string asking = absl::StrCat(consumer_lines::kAsking, " ", kind);
  for (const Held& each : held) absl::StrAppend(&asking, " ", each.call);
  SayLine(asking);
  absl::MutexLock lock(&mutex_);
  requests_[++last_request_] = {std::string(kind), clock_.Elapsed(), held};
  return last_request_;
}

}  // namespace onhook
