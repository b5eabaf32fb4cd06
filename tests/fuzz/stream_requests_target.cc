// Streams of SubscribeRequests and WatchRequests, whatever they hold and however they are mixed
// with events, lost connections and time: no answer is unreadable, no event is lost, and nothing is
// settled that nobody acknowledged.
//
// An input is a program, two bytes for each step, behind which some steps have bytes of their own.
// All of it happens on one thread, but for the creation of subscriptions, which is waited for: so
// an input always means the same run.
#include <deque>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/stream_run.h"

namespace onhook {
namespace {

constexpr size_t kMostStreams = 6;
constexpr int kMostEvents = 200;
constexpr int kMostSteps = 400;
// A retry waits no longer than this, whoever asked for it.
constexpr absl::Duration kLongestWait = absl::Hours(1);

enum Step : uint8_t {
  kRequest,  // a length, and so many bytes
  kOpen,     // one of three subscriptions
  kAck,      // which of the deliveries that there were; this and the next two alike
  kNack,
  kExtend,
  kFlow,
  kEvent,
  kHalfClose,
  kCancel,
  kFailAnswer,
  kSubscribe,
  kWatch,  // a length, and so many bytes
  kTime,
  kSteps,
};

// The bytes of an input, taken one after the other; zeros behind their end.
class Program {
 public:
  explicit Program(absl::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }
  uint8_t Byte() {
    const auto byte = static_cast<uint8_t>(bytes_.empty() ? 0 : bytes_.front());
    bytes_.remove_prefix(bytes_.empty() ? 0 : 1);
    return byte;
  }
  absl::string_view Bytes() {
    const size_t size = Byte();
    const absl::string_view bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(bytes.size());
    return bytes;
  }

 private:
  absl::string_view bytes_;
};

// As it may come from the network: in two pieces.
grpc::ByteBuffer InPieces(absl::string_view bytes) {
  const size_t middle = bytes.size() / 2;
  const grpc::Slice pieces[] = {{bytes.data(), middle},
                                {bytes.data() + middle, bytes.size() - middle}};
  return {pieces, 2};
}

class Run {
 public:
  explicit Run(absl::string_view bytes) : program_(bytes) {
    gateway_ = std::make_unique<StreamGateway>(disk_, &clock_, /*ticks=*/false);
  }

  void Do() {
    for (int step = 0; step < kMostSteps && !program_.at_end(); ++step) DoStep();
    for (StreamClient& client : clients_) CheckWatch(client);
    for (StreamClient& client : clients_) client.Cancel();
    clients_.clear();
    gateway_ = nullptr;
    CheckWhatIsOwed();
  }

 private:
  void DoStep() {
    const auto step = static_cast<Step>(program_.Byte() % kSteps);
    const uint8_t argument = program_.Byte();
    if (step == kEvent && events_ < kMostEvents) {
      gateway_->Append(++events_, argument % 4);
    } else if (step == kTime) {
      clock_.Advance(absl::Seconds(argument));
    } else if (step == kSubscribe || step == kWatch || clients_.empty()) {
      Begin(step == kWatch);
    } else {
      DoOn(clients_[argument % clients_.size()], step);
    }
    // What has changed may be due on every stream.
    for (StreamClient& client : clients_) client.Tick(clock_.Elapsed());
  }

  void Begin(bool watch) {
    const absl::string_view bytes = watch ? program_.Bytes() : "";
    if (clients_.size() >= kMostStreams) {
      clients_.front().Cancel();
      clients_.pop_front();
    }
    auto call = watch ? StreamCall::Watch(gateway_->service(), InPieces(bytes))
                      : StreamCall::Subscribe(gateway_->service());
    clients_.emplace_back(gateway_.get(), &ledger_, std::move(call), std::string(bytes), watch);
  }

  void DoOn(StreamClient& client, Step step) {
    if (step == kHalfClose) return client.HalfClose();
    if (step == kCancel) return client.Cancel();
    if (step == kFailAnswer) return client.FailNextAnswer();
    if (client.watches()) return;
    client.Send(InPieces(step == kRequest ? std::string(program_.Bytes()) : Request(step)));
  }

  std::string Request(Step step) {
    v1::SubscribeRequest request;
    const uint8_t argument = program_.Byte();
    if (step == kOpen) {
      request.mutable_open()->set_subscription(
          std::string(1, static_cast<char>('a' + argument % 3)));
      if (argument < 128) request.mutable_open()->mutable_create_if_missing();
      if (argument % 16 == 1) request.mutable_open()->set_max_outstanding_events(1);
    } else if (step == kAck) {
      request.mutable_ack()->set_request_id(++requests_);
      AddIds(argument, request.mutable_ack()->mutable_delivery_ids());
    } else if (step == kNack) {
      request.mutable_nack()->set_request_id(++requests_);
      AddIds(argument, request.mutable_nack()->mutable_delivery_ids());
      request.mutable_nack()->set_action(static_cast<v1::NackRequest::Action>(program_.Byte() % 5));
    } else if (step == kExtend) {
      request.mutable_extend()->set_request_id(++requests_);
      AddIds(argument, request.mutable_extend()->mutable_delivery_ids());
      request.mutable_extend()->mutable_ack_deadline()->set_seconds(1 + program_.Byte());
    } else {
      request.mutable_flow()->set_paused(argument % 2 == 1);
      request.mutable_flow()->set_max_outstanding_events(1 + argument / 2);
    }
    return request.SerializeAsString();
  }

  // Up to four of the ids that were given out, of whichever subscription; one in eight is spoilt.
  void AddIds(uint8_t argument, google::protobuf::RepeatedPtrField<std::string>* ids) {
    const std::vector<std::string>& known = ledger_.delivery_ids();
    const size_t first = program_.Byte();
    for (size_t i = 0; i <= argument % 4U && !known.empty(); ++i) {
      ids->Add(std::string(known[(first + i) % known.size()]));
    }
    if (argument >= 224 && !ids->empty()) ids->Mutable(0)->append("0");
  }

  // A Watch of everything from the beginning has got everything.
  void CheckWatch(const StreamClient& client) const {
    v1::WatchRequest request;
    if (!client.watches() || client.ended() || !client.is_whole()) return;
    if (!request.ParseFromString(client.request()) || request.has_filter()) return;
    if (request.position() != v1::START_POSITION_EARLIEST) return;
    FUZZ_CHECK(client.events().size() == static_cast<size_t>(events_));
  }

  // After a restart, a consumer that acknowledges everything gets all that is owed, or it was
  // parked; and nothing that was settled.
  void CheckWhatIsOwed() {
    clock_.Advance(kLongestWait);
    gateway_ = std::make_unique<StreamGateway>(disk_, &clock_, /*ticks=*/true);
    for (const SubscriptionInfo& subscription : gateway_->store().ListSubscriptions()) {
      if (ledger_.IsKnown(subscription.name)) CheckWhatIsOwedTo(subscription.name);
    }
    gateway_ = nullptr;
  }

  void CheckWhatIsOwedTo(const std::string& name) {
    const auto queue = gateway_->store().FindQueue(name);
    FUZZ_CHECK(queue.ok());
    std::set<int> got = gateway_->DeadLettersOf(**queue);
    StreamLedger acks = ledger_;
    StreamClient client(gateway_.get(), &acks, StreamCall::Subscribe(gateway_->service()), "",
                        false);
    v1::SubscribeRequest request;
    request.mutable_open()->set_subscription(name);
    client.Send(InPieces(request.SerializeAsString()));
    for (size_t acked = ledger_.delivery_ids().size(); (*queue)->Stats().backlog_events > 0;) {
      if (acked == acks.delivery_ids().size()) client.AwaitAnswer();
      FUZZ_CHECK(!client.ended());
      request.Clear();
      request.mutable_ack()->set_request_id(++requests_);
      for (; acked < acks.delivery_ids().size(); ++acked) {
        request.mutable_ack()->add_delivery_ids(acks.delivery_ids()[acked]);
      }
      client.Send(InPieces(request.SerializeAsString()));
    }
    client.Cancel();
    got.insert(client.events().begin(), client.events().end());
    for (int number = 1; number <= events_; ++number) {
      if (ledger_.MayComeNoMore({name, number})) continue;
      FUZZ_CHECK(got.count(number) == 1 || gateway_->IsExcluded(**queue, number));
    }
  }

  Program program_;
  ManualClock clock_;
  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<StreamGateway> gateway_;
  StreamLedger ledger_;
  std::deque<StreamClient> clients_;
  int events_ = 0;
  uint64_t requests_ = 0;
};

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

std::string WithLength(int step, const std::string& bytes) {
  return absl::StrCat(Bytes({step, 0, static_cast<int>(bytes.size())}), bytes);
}

std::string OpenRequest() {
  v1::SubscribeRequest request;
  v1::SubscribeOpen& open = *request.mutable_open();
  open.set_subscription("crm");
  open.set_consumer_name("one");
  open.set_max_outstanding_bytes(1000);
  open.mutable_ack_deadline()->set_seconds(2);
  v1::SubscriptionSpec& spec = *open.mutable_create_if_missing();
  spec.set_max_delivery_attempts(1);
  spec.mutable_minimum_retry_time()->set_seconds(0);
  spec.mutable_filter()->add_service_nos("1");
  spec.set_max_unacked_events(1);
  return request.SerializeAsString();
}

}  // namespace

// Of the bodies too, as requests that are none.
std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  const std::string begin = Bytes({kSubscribe, 0, kOpen, 0, 0, kEvent, 0, kEvent, 1, kEvent, 2});
  v1::WatchRequest watch;
  watch.set_position(v1::START_POSITION_EARLIEST);
  std::vector<std::string> seeds = {
      begin + Bytes({kAck, 0, 0, 0, kNack, 0, 1, 1, 4, kHalfClose, 0, kTime, 10}),
      begin + Bytes({kNack, 0, 0, 0, 1, kTime, 200, kExtend, 0, 2, 1, 9, kCancel, 0}),
      begin + Bytes({kSubscribe, 0, kOpen, 1, 1, kAck, 1, 0, 0, kFailAnswer, 0, kEvent, 3}),
      begin + Bytes({kSubscribe, 0, kOpen, 1, 0, kFlow, 0, 1, kEvent, 1, kFlow, 1, 4, kCancel, 0}),
      begin + WithLength(kWatch, watch.SerializeAsString()) + Bytes({kEvent, 1, kTime, 60}),
      Bytes({kSubscribe, 0}) + WithLength(kRequest, OpenRequest()) +
          Bytes({kEvent, 1, kEvent, 2, kEvent, 1, kNack, 0, 0, 0, 2, kNack, 0, 0, 1, 3}),
  };
  for (const std::string& body : bodies) {
    seeds.push_back(Bytes({kSubscribe, 0}) + WithLength(kRequest, body.substr(0, 255)) +
                    WithLength(kWatch, body.substr(0, 255)));
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // as the gateway has it
  onhook::Run(onhook::BytesOf(data, size)).Do();
  return 0;
}
