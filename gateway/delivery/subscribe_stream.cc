#include "gateway/delivery/subscribe_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/config/version.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/delivery/stream_registry.h"
#include "gateway/delivery/unary_call.h"
#include "gateway/delivery/usual_ack.h"

namespace onhook {
namespace {

absl::Status Deleted(const std::string& subscription) {
  return WithReason(
      absl::NotFoundError(absl::StrCat("subscription ", subscription, " was deleted")),
      kReasonSubscriptionDeleted);
}

}  // namespace

SubscribeStream::SubscribeStream(const StreamEnvironment* environment,
                                 grpc::CallbackServerContext* context,
                                 std::unique_ptr<CallAuthorization> authorization)
    : DeliveryStream(environment, context, std::move(authorization)), budget_(options()) {}

void SubscribeStream::OnReadDone(bool ok) {
  if (!ok) return HalfClosed();
  if (!authorization().Check().ok()) return Step();  // which ends the stream
  v1::SubscribeRequest request;
  absl::Status status;
  std::optional<UsualAck> ack = terms_.has_value() ? ReadUsualAck(request_) : std::nullopt;
  if (ack.has_value()) {
    request_.Clear();
    status = TakeSettle(ack->request_id, std::move(ack->request));
  } else {
    status = grpc::SerializationTraits<v1::SubscribeRequest>::Deserialize(&request_, &request).ok()
                 ? Take(request)
                 : InvalidField("request", "is not a SubscribeRequest");
  }
  if (!status.ok()) return End(std::move(status));
  if (!request.has_open()) {  // what follows `open` is read when that is done: see AttachOnce
    absl::MutexLock lock(&mutex_);
    read_wanted_ = true;
  }
  Step();
}

absl::Status SubscribeStream::Take(v1::SubscribeRequest& request) {
  if (!terms_.has_value() && !request.has_open()) {
    return InvalidField("open", "must be the first message");
  }
  switch (request.request_case()) {
    case v1::SubscribeRequest::kOpen:
      return TakeOpen(request.open());
    case v1::SubscribeRequest::kAck:
      return TakeSettle(request.ack().request_id(), CheckAck(*request.mutable_ack()));
    case v1::SubscribeRequest::kNack:
      return TakeSettle(request.nack().request_id(), CheckNack(*request.mutable_nack()));
    case v1::SubscribeRequest::kExtend:
      return TakeExtend(*request.mutable_extend());
    case v1::SubscribeRequest::kFlow:
      return TakeFlow(request.flow());
    case v1::SubscribeRequest::REQUEST_NOT_SET:
      return InvalidField("request", "holds nothing that this version knows");
  }
  return absl::InternalError("a request of no kind");
}

absl::Status SubscribeStream::TakeOpen(const v1::SubscribeOpen& open) {
  if (terms_.has_value()) return InvalidField("open", "must be the first message only");
  authorization().SetSubscription(open.subscription());
  if (absl::Status allowed = authorization().Check(); !allowed.ok()) return allowed;
  absl::StatusOr<OpenTerms> terms = CheckOpen(open, options());
  if (!terms.ok()) return terms.status();
  terms_ = *std::move(terms);
  set_receiver(absl::StrCat("subscription/", terms_->subscription));
  {
    absl::MutexLock lock(&mutex_);
    request_taken_ = true;
  }
  return FindQueue();
}

absl::Status SubscribeStream::FindQueue() {
  const std::string& name = terms_->subscription;
  const auto& create = terms_->create_if_missing;
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> queue = environment().store->FindQueue(name);
  if (absl::IsNotFound(queue.status()) && create.has_value()) {
    absl::Status allowed = authorization().CheckAlso(Permission::kCreate);
    if (!allowed.ok()) return allowed;
    auto self = std::static_pointer_cast<SubscribeStream>(shared_from_this());
    if (environment().executor->Run([self] { self->CreateQueue(); })) return absl::OkStatus();
    return absl::UnavailableError("too many streams are being opened");
  }
  if (queue.ok() && create.has_value()) {
    const absl::StatusOr<SubscriptionInfo> info = environment().store->GetSubscription(name);
    const std::string difference = info.ok() ? DifferenceOfSpecs(info->spec, *create) : "";
    if (!difference.empty()) {
      queue = absl::FailedPreconditionError(
          absl::StrCat("the subscription exists with another specification: ", difference));
    }
  }
  return TakeQueue(std::move(queue));
}

void SubscribeStream::CreateQueue() {
  absl::Status taken = authorization().CheckAlso(Permission::kCreate);
  if (taken.ok()) {
    auto queue =
        environment().store->FindOrCreateQueue(terms_->subscription, *terms_->create_if_missing);
    LogChange(*environment().log, authorization(), queue.status());
    taken = TakeQueue(std::move(queue));
  }
  if (!taken.ok()) End(std::move(taken));
}

absl::Status SubscribeStream::TakeQueue(absl::StatusOr<std::shared_ptr<SubscriptionQueue>> queue) {
  const std::string& name = terms_->subscription;
  if (absl::IsNotFound(queue.status())) {
    return absl::NotFoundError(absl::StrCat("there is no subscription named ", name,
                                            "; set create_if_missing to create it"));
  }
  if (absl::IsFailedPrecondition(queue.status())) {
    return WithReason(queue.status(), kReasonSpecDiffers);
  }
  if (!queue.ok()) return queue.status();
  const absl::StatusOr<SubscriptionInfo> info = environment().store->GetSubscription(name);
  if (!info.ok()) return Deleted(name);  // meanwhile
  {
    absl::MutexLock lock(&mutex_);
    found_queue_ = *std::move(queue);
    ack_deadline_ = terms_->ack_deadline.value_or(RulesOf(info->spec, false).ack_deadline);
  }
  Step();
  return absl::OkStatus();
}

absl::Status SubscribeStream::TakeSettle(uint64_t request_id,
                                         absl::StatusOr<SettleRequest> request) {
  if (!request.ok()) return request.status();
  {
    absl::MutexLock lock(&mutex_);
    budget_.Begin(RequestBudget::CostOf(request->delivery_ids));
  }
  request->consumer_name = terms_->consumer_name;
  auto self = std::static_pointer_cast<SubscribeStream>(shared_from_this());
  // Its ids are for the answer.
  const auto kept = std::make_shared<const SettleRequest>(*std::move(request));
  queue_->Settle(*kept, [self, kept, request_id](const std::vector<SettleException>& exceptions) {
    self->RequestDone(request_id, kept->delivery_ids, exceptions);
  });
  return absl::OkStatus();
}

absl::Status SubscribeStream::TakeExtend(v1::ExtendRequest& extend) {
  const absl::StatusOr<Extension> extension = CheckExtend(extend);
  if (!extension.ok()) return extension.status();
  {
    absl::MutexLock lock(&mutex_);
    budget_.Begin(RequestBudget::CostOf(extension->delivery_ids));
  }
  RequestDone(extend.request_id(), extension->delivery_ids,
              queue_->Extend(extension->delivery_ids, extension->ack_deadline));
  return absl::OkStatus();
}

void SubscribeStream::RequestDone(uint64_t request_id, const std::vector<std::string>& delivery_ids,
                                  const std::vector<SettleException>& exceptions) {
  grpc::ByteBuffer results = EncodeAckResults(request_id, delivery_ids, exceptions);
  {
    absl::MutexLock lock(&mutex_);
    control_.push_back(std::move(results));
    budget_.End(RequestBudget::CostOf(delivery_ids));
    if (CanEndNow() && !end_.has_value()) EndSoon(absl::OkStatus());
  }
  Step();
}

void SubscribeStream::SubscriptionDeleted() {
  // Nothing can be settled any more, so there is nothing to drain.
  GoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED, absl::ZeroDuration(),
         Deleted(terms_->subscription));
}

std::string SubscribeStream::successor_key() const {
  absl::MutexLock lock(&mutex_);
  return successor_key_;
}

absl::Status SubscribeStream::TakeFlow(const v1::FlowControl& flow) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<ConsumerLimits> limits = ChangedLimits(limits_, flow, options());
  if (!limits.ok()) return limits.status();
  limits_ = *limits;
  limits_changed_ = true;
  return absl::OkStatus();
}

void SubscribeStream::HalfClosed() {
  {
    absl::MutexLock lock(&mutex_);
    half_closed_ = true;
    if (!end_.has_value() && !terms_.has_value()) {
      end_ = InvalidField("open", "is missing");
    } else if (!end_.has_value() && CanEndNow()) {
      EndSoon(absl::OkStatus());
    }
  }
  Step();
}

bool SubscribeStream::Advance() {
  return ReadNext() || AttachOnce() || StopTakingOnce() || ApplyFlow() || Deliver();
}

bool SubscribeStream::ReadNext() {
  {
    absl::MutexLock lock(&mutex_);
    if (!read_wanted_) return false;
    // Answers that the client does not take count too: they wait in memory.
    size_t answer_bytes = 0;
    for (const grpc::ByteBuffer& message : control_) answer_bytes += message.Length();
    if (!budget_.HasRoom(control_.size(), answer_bytes)) return false;
    read_wanted_ = false;
  }
  StartRead(&request_);
  return true;
}

bool SubscribeStream::AttachOnce() {
  v1::SubscribeOpened opened;
  {
    absl::MutexLock lock(&mutex_);
    if (found_queue_ == nullptr || queue_ != nullptr) return false;
    queue_ = found_queue_;
    limits_ = terms_->limits;
    *opened.mutable_ack_deadline() = ToProto(ack_deadline_);
  }
  set_wants([queue = queue_](const v1::ReleaseEvent& event) { return !queue->Excludes(event); });
  const std::weak_ptr<DeliveryStream> weak = weak_from_this();
  ConsumerCallbacks callbacks;
  callbacks.ready = [weak] {
    const auto self = std::static_pointer_cast<SubscribeStream>(weak.lock());
    if (self == nullptr) return;
    {
      absl::MutexLock lock(&self->mutex_);
      self->pull_worthwhile_ = true;
    }
    self->Step();
  };
  callbacks.deleted = [weak] {
    const auto self = std::static_pointer_cast<SubscribeStream>(weak.lock());
    if (self != nullptr) self->SubscriptionDeleted();
  };
  consumer_ = queue_->Attach({terms_->consumer_name, terms_->limits, terms_->ack_deadline},
                             std::move(callbacks));
  const Store& store = *environment().store;
  opened.set_max_outstanding_events(static_cast<int32_t>(terms_->limits.max_outstanding_events));
  opened.set_max_outstanding_bytes(terms_->limits.max_outstanding_bytes);
  opened.set_store_id(store.store_id());
  opened.set_backlog_events(queue_->Stats().backlog_events);
  opened.set_durability_class(store.durability_class());
  opened.set_server_version(std::string(Version()));
  *opened.mutable_heartbeat_interval() = ToProto(options().heartbeat_interval);
  {
    absl::MutexLock lock(&mutex_);
    control_.push_back(EncodeOpened(opened));
    opened_ = true;
    read_wanted_ = true;
    pull_worthwhile_ = true;
    successor_key_ = terms_->subscription;
  }
  environment().registry->Opened(*this);
  return true;
}

bool SubscribeStream::TakesDeliveries() const {
  const bool goes_on = !draining_ || environment().clock->Elapsed() < delivers_until_;
  return goes_on && !half_closed_;
}

bool SubscribeStream::StopTakingOnce() {
  ConsumerLimits limits;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_ == nullptr || stopped_ || TakesDeliveries()) return false;
    stopped_ = true;
    limits_changed_ = false;
    limits = limits_;
  }
  // Otherwise the queue would tell this stream of an event, and no other one.
  limits.paused = true;
  queue_->SetLimits(consumer_, limits);
  return true;
}

bool SubscribeStream::ApplyFlow() {
  ConsumerLimits limits;
  {
    absl::MutexLock lock(&mutex_);
    if (!limits_changed_ || queue_ == nullptr || stopped_) return false;
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
    can = opened_ && !writing_ && TakesDeliveries() && control_.empty();
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
  in_writing_.clear();
  for (const Lease& lease : pulled.leases) {
    sequences.push_back(lease.event->sequence);
    in_writing_.push_back(WrittenEvent::Of(lease));
  }
  {
    absl::MutexLock lock(&mutex_);
    pull_worthwhile_ = true;
  }
  WriteEvents(EncodeDeliveries(pulled.leases, environment().store->store_id(), shows_numbers()),
              std::move(sequences));
  return true;
}

void SubscribeStream::Release(bool lost) {
  if (queue_ == nullptr) return;
  queue_->Detach(consumer_, lost ? Departure::kLost : Departure::kInOrder);
}

grpc::ByteBuffer SubscribeStream::Heartbeat() const {
  return EncodeSubscribeHeartbeat(options().heartbeat_interval);
}

grpc::ByteBuffer SubscribeStream::EncodeGoAway(const v1::GoAway& go_away) const {
  return EncodeSubscribeGoAway(go_away);
}

}  // namespace onhook
