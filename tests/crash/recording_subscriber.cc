#include "tests/crash/recording_subscriber.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// One delivery in so many stays unsettled, and no more than these: a stream's window is 1,000.
constexpr uint64_t kWithheldOneIn = 50;
constexpr int kWithheldMost = 200;

}  // namespace

RecordingSubscriber::RecordingSubscriber(std::string subscription, Mode mode, uint64_t seed,
                                         const GatewayAddress* address, CallLedger* ledger,
                                         Options options)
    : subscription_(std::move(subscription)),
      options_(std::move(options)),
      mode_(mode),
      random_(seed),
      address_(address),
      ledger_(ledger) {
  ledger_->OpenSubscription(subscription_, options_.terms);
  thread_ = std::thread([this] { Receive(); });
}

RecordingSubscriber::~RecordingSubscriber() { thread_.join(); }

std::string RecordingSubscriber::last_end() const {
  absl::MutexLock lock(&mutex_);
  return last_end_;
}

void RecordingSubscriber::Receive() {
  int generation = 0;
  while (const auto ports = address_->WaitForLaterThan(generation)) {
    generation = ports->generation;
    ReceiveFrom(*ports);
  }
}

void RecordingSubscriber::ReceiveFrom(const GatewayAddress::Ports& ports) {
  const Mode mode = mode_;
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", ports.grpc),
                                           grpc::InsecureChannelCredentials());
  const auto stub = v1::ReleaseEventService::NewStub(channel);
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = stub->Subscribe(&context);
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription(subscription_);
  open.mutable_open()->mutable_create_if_missing();
  if (options_.ack_deadline.has_value()) {
    open.mutable_open()->mutable_ack_deadline()->set_seconds(
        absl::ToInt64Seconds(*options_.ack_deadline));
  }
  stream->Write(open);

  Pending pending;
  pending.gateway = ports.generation;
  v1::SubscribeResponse response;
  while (stream->Read(&response)) {
    if (response.has_deliveries()) Take(response.deliveries(), mode, *stream, pending);
    if (response.has_ack_results()) Enter(response.ack_results(), pending);
    if (response.has_go_away()) stream->WritesDone();
  }
  for (const auto& [request_id, acks] : pending.acks) {
    for (const auto& [delivery_id, number] : acks) {
      ledger_->Asked(subscription_, number, pending.gateway);
    }
  }
  const grpc::Status end = stream->Finish();
  absl::MutexLock lock(&mutex_);
  last_end_ = absl::StrCat(end.error_code(), " ", end.error_message());
}

void RecordingSubscriber::Take(const v1::Deliveries& deliveries, Mode mode, Stream& stream,
                               Pending& pending) {
  v1::SubscribeRequest request;
  std::vector<std::pair<std::string, int64_t>> acks;
  for (const v1::Delivery& delivery : deliveries.deliveries()) {
    const int64_t number =
        ledger_->Received(subscription_, delivery, pending.gateway, clock_.Elapsed());
    if (number < 0 || Withholds(mode, pending)) continue;
    acks.emplace_back(delivery.delivery_id(), number);
    request.mutable_ack()->add_delivery_ids(delivery.delivery_id());
  }
  if (acks.empty()) return;
  request.mutable_ack()->set_request_id(++pending.last_request);
  pending.acks.emplace(pending.last_request, std::move(acks));
  stream.Write(request);
}

void RecordingSubscriber::Enter(const v1::AckResults& results, Pending& pending) {
  const auto acks = pending.acks.find(results.request_id());
  if (acks == pending.acks.end()) return;
  for (const auto& [delivery_id, number] : acks->second) {
    const auto is_this = [&id = delivery_id](const v1::AckResults::Exception& exception) {
      return exception.delivery_id() == id;
    };
    if (std::none_of(results.exceptions().begin(), results.exceptions().end(), is_this)) {
      ledger_->Confirmed(subscription_, number, clock_.Elapsed());
    }
  }
  pending.acks.erase(acks);
}

bool RecordingSubscriber::Withholds(Mode mode, Pending& pending) {
  if (mode == Mode::kAckAll) return false;
  if (mode == Mode::kAckNothing) return true;
  if (pending.withheld == kWithheldMost || random_() % kWithheldOneIn != 0) return false;
  ++pending.withheld;
  return true;
}

}  // namespace onhook
