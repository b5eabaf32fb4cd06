#include "clients/cpp/subscriber_stream.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

#include "clients/cpp/grpc_status.h"
#include "onhook/event_view.h"

namespace onhook::client {
namespace {

// The proto allows 10,000.
constexpr size_t kMaxIdsInRequest = 1000;
// How long to leave a gateway alone that could not store a settlement.
constexpr absl::Duration kRetryLaterPause = absl::Milliseconds(200);
// As the proto has it.
constexpr size_t kMaxReasonCharacters = 1024;

v1::NackRequest::Action NackAction(Settlement::Action action) {
  switch (action) {
    case Settlement::Action::kAck:    // travels as an AckRequest
    case Settlement::Action::kLeave:  // does not travel
      break;
    case Settlement::Action::kRetry:
      return v1::NackRequest::ACTION_RETRY;
    case Settlement::Action::kPark:
      return v1::NackRequest::ACTION_PARK;
    case Settlement::Action::kSkip:
      return v1::NackRequest::ACTION_SKIP;
    case Settlement::Action::kRelease:
      return v1::NackRequest::ACTION_RELEASE;
  }
  return v1::NackRequest::ACTION_UNSPECIFIED;
}

// How many bytes the UTF-8 character has that `text` begins with; 0: it begins with none.
size_t FirstCharacterBytes(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than needed, half of a UTF-16 pair, or beyond the last character.
  const uint8_t second = byte(1);
  const bool is_none = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                       (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return is_none ? 0 : bytes;
}

// The first characters of `text`, with a ? for each byte that is not UTF-8: the gateway ends a
// stream on which anything else comes.
std::string FirstCharacters(std::string_view text, size_t characters) {
  std::string first;
  for (; characters > 0 && !text.empty(); --characters) {
    const size_t bytes = FirstCharacterBytes(text);
    if (bytes == 0) {
      first += '?';
    } else {
      first += text.substr(0, bytes);
    }
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return first;
}

bool SameWords(const Settlement& a, const Settlement& b) {
  return a.action == b.action && a.reason == b.reason && a.delay == b.delay;
}

absl::Status ResultStatus(v1::AckResults::Result result) {
  switch (result) {
    case v1::AckResults::RESULT_STALE:
      return absl::AbortedError("a later attempt exists, or the event is settled already");
    case v1::AckResults::RESULT_UNKNOWN:
      return absl::NotFoundError("the gateway does not know this delivery");
    default:
      return absl::UnknownError(absl::StrCat("result ", static_cast<int>(result)));
  }
}

}  // namespace

SubscriberStream::SubscriberStream(std::shared_ptr<const GatewayConnection> connection,
                                   v1::SubscribeOpen open, const Options& options,
                                   Listener* listener)
    : connection_(std::move(connection)),
      open_(std::move(open)),
      ack_batch_(static_cast<size_t>(std::max(options.ack_batch, 1))),
      listener_(listener),
      leases_(options.max_extension),
      pause_wanted_(options.paused) {}

void SubscriberStream::WaitForConnection() {
  waits_for_connection_ = true;
  context_.set_wait_for_ready(true);
}

absl::Status SubscriberStream::Run() {
  auto stubs = connection_->Begin(context_);
  if (!stubs.ok()) {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    return stubs.status();
  }
  stubs_ = *std::move(stubs);
  std::optional<OpeningLimit> opening;
  if (waits_for_connection_) {
    opening.emplace(stubs_->channel, &context_, connection_->options().reconnect.recheck);
  }
  silence_.emplace(&context_, connection_->silence_limit());
  silence_->Listen();
  stream_ = stubs_->events->Subscribe(&context_);
  v1::SubscribeRequest open;
  *open.mutable_open() = open_;
  // Waits for the connection. A failed write shows in the reads that follow.
  stream_->Write(open);
  std::thread writer([this] { WriteLoop(); });
  ReadAll(opening);
  writer.join();
  const absl::Status status = FromGrpcStatus(stream_->Finish());
  waited_in_vain_ = opening.has_value() && opening->passed();
  if (silence_->passed()) return connection_->GiveUp(stubs_);
  return waited_in_vain_ ? absl::UnavailableError("no connection") : status;
}

void SubscriberStream::ReadAll(std::optional<OpeningLimit>& opening) {
  v1::SubscribeResponse response;
  while (stream_->Read(&response)) {
    silence_->Heard();
    if (opening.has_value()) opening->Forget();
    Handle(response);
    silence_->Listen();
  }
  silence_->Heard();
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  WakeWriter();
}

bool SubscriberStream::Settle(PendingSettlement& settlement) {
  absl::MutexLock lock(&mutex_);
  --with_listener_;
  leases_.Remove(settlement.delivery_id);
  const bool taken = Enqueue(settlement);
  WakeWriter();
  return taken;
}

bool SubscriberStream::Adopt(PendingSettlement& settlement) {
  absl::MutexLock lock(&mutex_);
  const bool taken = Enqueue(settlement);
  WakeWriter();
  return taken;
}

bool SubscriberStream::Enqueue(PendingSettlement& settlement) {
  if (ended_ || half_closed_) return false;
  if (settlement.extension.has_value()) {
    extensions_.push_back(std::move(settlement));
  } else if (settlement.IsAck()) {
    acks_.push_back(std::move(settlement));
  } else {
    others_.push_back(std::move(settlement));
  }
  return true;
}

void SubscriberStream::Discard(absl::string_view delivery_id) {
  absl::MutexLock lock(&mutex_);
  --with_listener_;
  leases_.Remove(delivery_id);
  WakeWriter();
}

void SubscriberStream::SetPaused(bool paused) {
  absl::MutexLock lock(&mutex_);
  pause_wanted_ = paused;
  WakeWriter();
}

bool SubscriberStream::WasOfUse() {
  absl::MutexLock lock(&mutex_);
  return was_of_use_;
}

void SubscriberStream::CloseWhenIdle() {
  absl::MutexLock lock(&mutex_);
  close_when_idle_ = true;
  WakeWriter();
}

void SubscriberStream::Cancel() { context_.TryCancel(); }

std::vector<PendingSettlement> SubscriberStream::TakeUnconfirmed() {
  absl::MutexLock lock(&mutex_);
  Settlements all;
  const auto take = [&all](Settlements& from) {
    std::move(from.begin(), from.end(), std::back_inserter(all));
    from.clear();
  };
  for (auto& [request_id, settlements] : unanswered_) take(settlements);
  unanswered_.clear();
  take(delayed_);
  take(acks_);
  take(others_);
  take(extensions_);
  return all;
}

bool SubscriberStream::MaySendAcks() const {
  return !acks_.empty() && (unanswered_.empty() || acks_.size() >= ack_batch_);
}

bool SubscriberStream::Idle() const {
  return with_listener_ == 0 && acks_.empty() && others_.empty() && extensions_.empty() &&
         delayed_.empty() && unanswered_.empty();
}

bool SubscriberStream::WriterHasWork() const {
  return ended_ || MaySendAcks() || !others_.empty() || !extensions_.empty() ||
         pause_wanted_ != pause_sent_ || (close_when_idle_ && Idle());
}

absl::Time SubscriberStream::Alarm() const { return std::min(delayed_until_, leases_.next_due()); }

void SubscriberStream::WakeWriter() {
  if (WriterHasWork() || Alarm() < alarm_) writer_woken_.Signal();
}

void SubscriberStream::ReviveDelayed(absl::Time now) {
  if (now < delayed_until_) return;
  for (PendingSettlement& settlement : delayed_) Enqueue(settlement);
  delayed_.clear();
  delayed_until_ = absl::InfiniteFuture();
}

void SubscriberStream::WriteLoop() {
  for (;;) {
    v1::SubscribeRequest request;
    {
      absl::MutexLock lock(&mutex_);
      alarm_ = Alarm();
      const auto woken = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return WriterHasWork() || Alarm() < alarm_;
      };
      writer_woken_.AwaitUntil(&mutex_, alarm_, woken);
      if (ended_) return;
      const absl::Time now = SteadyNow();
      ReviveDelayed(now);
      request = NextRequest(now);
      const bool nothing = request.request_case() == v1::SubscribeRequest::REQUEST_NOT_SET;
      if (nothing && !(close_when_idle_ && Idle())) continue;
      half_closed_ = nothing;
    }
    if (request.request_case() == v1::SubscribeRequest::REQUEST_NOT_SET) {
      stream_->WritesDone();
      return;
    }
    // False: the stream is broken; the reader sees it, and what is unanswered stays on the books.
    if (!stream_->Write(request)) return;
  }
}

v1::SubscribeRequest SubscriberStream::NextRequest(absl::Time now) {
  v1::SubscribeRequest request;
  if (pause_wanted_ != pause_sent_) {
    request.mutable_flow()->set_paused(pause_wanted_);
    pause_sent_ = pause_wanted_;
    return request;
  }
  DeliveryLeases::Extension extension = leases_.TakeDue(now, kMaxIdsInRequest);
  if (!extension.delivery_ids.empty()) {
    FillLeases(std::move(extension), *request.mutable_extend());
  } else if (!extensions_.empty()) {
    FillExtend(*request.mutable_extend());
  } else if (MaySendAcks()) {
    FillAck(*request.mutable_ack());
  } else if (!others_.empty()) {
    FillNack(*request.mutable_nack());
  }
  return request;
}

void SubscriberStream::FillLeases(DeliveryLeases::Extension extension, v1::ExtendRequest& extend) {
  extend.set_request_id(++last_request_id_);
  *extend.mutable_ack_deadline() = ToProto(extension.ack_deadline);
  for (std::string& id : extension.delivery_ids) extend.add_delivery_ids(std::move(id));
}

void SubscriberStream::FillExtend(v1::ExtendRequest& extend) {
  PendingSettlement first = std::move(extensions_.front());
  extensions_.erase(extensions_.begin());
  extend.set_request_id(++last_request_id_);
  *extend.mutable_ack_deadline() = ToProto(*first.extension);
  extend.add_delivery_ids(first.delivery_id);
  leases_.Lengthen(first.delivery_id, *first.extension, SteadyNow());
  unanswered_[last_request_id_].push_back(std::move(first));
}

void SubscriberStream::FillAck(v1::AckRequest& ack) {
  ack.set_request_id(++last_request_id_);
  Settlements& sent = unanswered_[last_request_id_];
  const auto end = acks_.begin() + std::min(acks_.size(), kMaxIdsInRequest);
  std::move(acks_.begin(), end, std::back_inserter(sent));
  acks_.erase(acks_.begin(), end);
  for (const PendingSettlement& settlement : sent) ack.add_delivery_ids(settlement.delivery_id);
}

void SubscriberStream::FillNack(v1::NackRequest& nack) {
  const Settlement words = others_.front().settlement;
  nack.set_request_id(++last_request_id_);
  nack.set_action(NackAction(words.action));
  nack.set_reason(FirstCharacters(words.reason, kMaxReasonCharacters));
  if (words.delay.has_value()) *nack.mutable_delay() = ToProto(*words.delay);
  // As many as say the same: all that is given back at a stop, above all.
  const auto longest = others_.begin() + std::min(others_.size(), kMaxIdsInRequest);
  const auto end = std::find_if(others_.begin(), longest, [&](const PendingSettlement& other) {
    return !SameWords(other.settlement, words);
  });
  Settlements& sent = unanswered_[last_request_id_];
  std::move(others_.begin(), end, std::back_inserter(sent));
  others_.erase(others_.begin(), end);
  for (const PendingSettlement& settlement : sent) nack.add_delivery_ids(settlement.delivery_id);
}

void SubscriberStream::Handle(v1::SubscribeResponse& response) {
  switch (response.response_case()) {
    case v1::SubscribeResponse::kOpened:
      NoteInterval(response.opened().heartbeat_interval());
      listener_->OnOpened(this, response.opened());
      break;
    case v1::SubscribeResponse::kDeliveries:
      HandleDeliveries(*response.mutable_deliveries());
      break;
    case v1::SubscribeResponse::kAckResults:
      HandleResults(response.ack_results());
      break;
    case v1::SubscribeResponse::kGoAway:
      listener_->OnGoAway(this, response.go_away());
      break;
    case v1::SubscribeResponse::kHeartbeat:
      NoteInterval(response.heartbeat().interval());
      break;
    case v1::SubscribeResponse::RESPONSE_NOT_SET:  // of a newer version
      break;
  }
}

void SubscriberStream::NoteInterval(const google::protobuf::Duration& interval) {
  connection_->NoteHeartbeatInterval(ToDuration(interval));
  silence_->SetLimit(connection_->silence_limit());
}

void SubscriberStream::HandleDeliveries(v1::Deliveries& deliveries) {
  const absl::Time now = SteadyNow();
  {
    absl::MutexLock lock(&mutex_);
    if (half_closed_) return;
    was_of_use_ = true;
    with_listener_ += deliveries.deliveries_size();
    for (const v1::Delivery& delivery : deliveries.deliveries()) leases_.Add(delivery, now);
    WakeWriter();
  }
  listener_->OnDeliveries(shared_from_this(), deliveries);
}

void SubscriberStream::HandleResults(const v1::AckResults& results) {
  absl::flat_hash_map<std::string, v1::AckResults::Result> exceptions;
  for (const auto& exception : results.exceptions()) {
    exceptions[exception.delivery_id()] = exception.result();
  }
  std::vector<std::pair<PendingSettlement, absl::Status>> answered;
  {
    absl::MutexLock lock(&mutex_);
    was_of_use_ = true;
    const auto found = unanswered_.find(results.request_id());
    if (found == unanswered_.end()) return HandleExtended(results);
    answered.reserve(found->second.size());
    for (PendingSettlement& pending : found->second) {
      const auto exception = exceptions.find(pending.delivery_id);
      if (exception == exceptions.end()) {
        answered.emplace_back(std::move(pending), absl::OkStatus());
      } else if (exception->second == v1::AckResults::RESULT_RETRY_LATER) {
        if (delayed_.empty()) delayed_until_ = SteadyNow() + kRetryLaterPause;
        delayed_.push_back(std::move(pending));
      } else {
        if (pending.extension.has_value()) leases_.Remove(pending.delivery_id);
        answered.emplace_back(std::move(pending), ResultStatus(exception->second));
      }
    }
    unanswered_.erase(found);
    WakeWriter();
  }
  for (auto& [pending, status] : answered) {
    listener_->OnAnswered(std::move(pending), std::move(status));
  }
}

void SubscriberStream::HandleExtended(const v1::AckResults& results) {
  for (const v1::AckResults::Exception& exception : results.exceptions()) {
    if (exception.result() == v1::AckResults::RESULT_RETRY_LATER) {
      leases_.Postpone(exception.delivery_id(), SteadyNow() + kRetryLaterPause);
    } else {  // it is with somebody else by now, or settled
      leases_.Remove(exception.delivery_id());
    }
  }
  WakeWriter();
}

}  // namespace onhook::client
