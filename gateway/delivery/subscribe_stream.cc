#include "gateway/delivery/subscribe_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/config/version.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/serial_executor.h"

namespace onhook {
namespace {

constexpr int kMostDeliveryIds = 10000;

absl::Status NotYet(absl::string_view request) {
  return absl::UnimplementedError(absl::StrCat(request, " is not supported by this version"));
}

}  // namespace

SubscribeStream::SubscribeStream(const StreamEnvironment* environment,
                                 grpc::CallbackServerContext* context)
    : DeliveryStream(environment, context) {}

void SubscribeStream::OnReadDone(bool ok) {
  if (!ok) return HalfClosed();
  v1::SubscribeRequest request;
  absl::Status status =
      grpc::SerializationTraits<v1::SubscribeRequest>::Deserialize(&request_, &request).ok()
          ? Take(request)
          : absl::InvalidArgumentError("the message is not a SubscribeRequest");
  if (!status.ok()) return End(std::move(status));
  if (!request.has_open()) {  // what follows `open` is read when that is done: see AttachOnce
    absl::MutexLock lock(&mutex_);
    read_wanted_ = true;
  }
  Step();
}

absl::Status SubscribeStream::Take(const v1::SubscribeRequest& request) {
  if (!terms_.has_value() && !request.has_open()) {
    return InvalidField("open", "must be the first message");
  }
  switch (request.request_case()) {
    case v1::SubscribeRequest::kOpen:
      return TakeOpen(request.open());
    case v1::SubscribeRequest::kAck:
      return TakeAck(request.ack());
    case v1::SubscribeRequest::kNack:
      return NotYet("nack");
    case v1::SubscribeRequest::kExtend:
      return NotYet("extend");
    case v1::SubscribeRequest::kFlow:
      return TakeFlow(request.flow());
    case v1::SubscribeRequest::REQUEST_NOT_SET:
      return InvalidField("request", "holds nothing that this version knows");
  }
  return absl::InternalError("a request of no kind");
}

absl::Status SubscribeStream::TakeOpen(const v1::SubscribeOpen& open) {
  if (terms_.has_value()) return InvalidField("open", "must be the first message only");
  absl::StatusOr<OpenTerms> terms = CheckOpen(open, options());
  if (!terms.ok()) return terms.status();
  terms_ = *std::move(terms);
  set_receiver(absl::StrCat("subscription/", terms_->subscription));
  auto self = std::static_pointer_cast<SubscribeStream>(shared_from_this());
  if (!environment().executor->Run([self] { self->FindQueue(); })) {
    return absl::UnavailableError("too many streams are being opened");
  }
  return absl::OkStatus();
}

void SubscribeStream::FindQueue() {
  Store* const store = environment().store;
  absl::StatusOr<SubscriptionQueue*> queue =
      terms_->create_if_missing.has_value()
          ? store->FindOrCreateQueue(terms_->subscription, *terms_->create_if_missing)
          : store->FindQueue(terms_->subscription);
  if (absl::IsNotFound(queue.status())) {
    return End(
        absl::NotFoundError(absl::StrCat("there is no subscription named ", terms_->subscription,
                                         "; set create_if_missing to create it")));
  }
  if (!queue.ok()) return End(queue.status());
  {
    absl::MutexLock lock(&mutex_);
    found_queue_ = *queue;
  }
  Step();
}

absl::Status SubscribeStream::TakeAck(const v1::AckRequest& ack) {
  if (ack.delivery_ids_size() > kMostDeliveryIds) {
    return InvalidField("ack.delivery_ids", absl::StrCat("holds more than ", kMostDeliveryIds));
  }
  {
    absl::MutexLock lock(&mutex_);
    ++requests_under_way_;
  }
  auto self = std::static_pointer_cast<SubscribeStream>(shared_from_this());
  const std::vector<std::string> ids(ack.delivery_ids().begin(), ack.delivery_ids().end());
  queue_->Ack(ids, terms_->consumer_name,
              [self, ids, request_id = ack.request_id()](std::vector<SettleException> exceptions) {
                self->AckDone(request_id, ids, exceptions);
              });
  return absl::OkStatus();
}

void SubscribeStream::AckDone(uint64_t request_id, const std::vector<std::string>& delivery_ids,
                              const std::vector<SettleException>& exceptions) {
  grpc::ByteBuffer results = EncodeAckResults(request_id, delivery_ids, exceptions);
  {
    absl::MutexLock lock(&mutex_);
    control_.push_back(std::move(results));
    --requests_under_way_;
    if (CanEndNow() && !end_.has_value()) end_ = absl::OkStatus();
  }
  Step();
}

absl::Status SubscribeStream::TakeFlow(const v1::FlowControl& flow) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<ConsumerLimits> limits = ChangedLimits(limits_, flow, options());
  if (!limits.ok()) return limits.status();
  limits_ = *limits;
  limits_changed_ = true;
  if (flow.has_paused()) paused_ = flow.paused();
  return absl::OkStatus();
}

void SubscribeStream::HalfClosed() {
  {
    absl::MutexLock lock(&mutex_);
    half_closed_ = true;
    if (!end_.has_value() && !terms_.has_value()) {
      end_ = InvalidField("open", "is missing");
    } else if (!end_.has_value() && CanEndNow()) {
      end_ = absl::OkStatus();
    }
  }
  Step();
}

bool SubscribeStream::Advance() { return ReadNext() || AttachOnce() || ApplyFlow() || Deliver(); }

bool SubscribeStream::ReadNext() {
  {
    absl::MutexLock lock(&mutex_);
    // Answers that the client does not take count too: they wait in memory.
    const size_t unanswered = static_cast<size_t>(requests_under_way_) + control_.size();
    const auto most = static_cast<size_t>(options().max_requests_under_way);
    if (!read_wanted_ || unanswered >= most) return false;
    read_wanted_ = false;
  }
  StartRead(&request_);
  return true;
}

bool SubscribeStream::AttachOnce() {
  {
    absl::MutexLock lock(&mutex_);
    if (found_queue_ == nullptr || queue_ != nullptr) return false;
    queue_ = found_queue_;
    limits_ = terms_->limits;
  }
  const Store& store = *environment().store;
  const std::weak_ptr<DeliveryStream> weak = weak_from_this();
  consumer_ = queue_->Attach(terms_->consumer_name, terms_->limits, [weak] {
    const auto self = std::static_pointer_cast<SubscribeStream>(weak.lock());
    if (self == nullptr) return;
    {
      absl::MutexLock lock(&self->mutex_);
      self->pull_worthwhile_ = true;
    }
    self->Step();
  });
  v1::SubscribeOpened opened;
  opened.set_max_outstanding_events(static_cast<int32_t>(terms_->limits.max_outstanding_events));
  opened.set_max_outstanding_bytes(terms_->limits.max_outstanding_bytes);
  opened.set_store_id(store.store_id());
  opened.set_backlog_events(queue_->Stats().backlog_events);
  opened.set_durability_class(store.durability_class());
  opened.set_server_version(std::string(Version()));
  absl::MutexLock lock(&mutex_);
  control_.push_back(EncodeOpened(opened));
  opened_ = true;
  read_wanted_ = true;
  pull_worthwhile_ = true;
  return true;
}

bool SubscribeStream::ApplyFlow() {
  ConsumerLimits limits;
  {
    absl::MutexLock lock(&mutex_);
    if (!limits_changed_ || queue_ == nullptr) return false;
    limits_changed_ = false;
    // What the last Pull said of credit and tail no longer holds.
    pull_worthwhile_ = true;
    limits = limits_;
  }
  queue_->SetLimits(consumer_, limits);
  return true;
}

bool SubscribeStream::Deliver() {
  bool can = false;
  bool pull = false;
  {
    absl::MutexLock lock(&mutex_);
    can = opened_ && !writing_ && !paused_ && !half_closed_ && !draining_ && control_.empty();
    pull = can && pull_worthwhile_;
    if (pull) pull_worthwhile_ = false;
  }
  if (!pull) {
    SetEligible(can && caught_up_);
    return false;
  }
  PullResult pulled =
      queue_->Pull(consumer_, {options().max_batch_events, options().max_batch_bytes});
  caught_up_ = pulled.leases.empty() && pulled.at_tail && pulled.has_credit;
  if (pulled.leases.empty()) return true;  // `ready` may have been called meanwhile
  std::vector<Sequence> sequences;
  sequences.reserve(pulled.leases.size());
  for (const Lease& lease : pulled.leases) sequences.push_back(lease.event->sequence);
  {
    absl::MutexLock lock(&mutex_);
    pull_worthwhile_ = true;
  }
  WriteEvents(EncodeDeliveries(pulled.leases, environment().store->store_id()),
              std::move(sequences));
  return true;
}

void SubscribeStream::Release() {
  if (queue_ != nullptr) queue_->Detach(consumer_);
}

grpc::ByteBuffer SubscribeStream::Heartbeat() const { return EncodeSubscribeHeartbeat(); }

grpc::ByteBuffer SubscribeStream::EncodeGoAway(const v1::GoAway& go_away) const {
  return EncodeSubscribeGoAway(go_away);
}

}  // namespace onhook
