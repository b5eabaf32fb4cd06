#include "gateway/delivery/delivery_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/stream_registry.h"

namespace onhook {
namespace {

// How long a stream that is to end waits for its last writes.
constexpr absl::Duration kEndGrace = absl::Seconds(1);

// A number in [0, 1) for each stream, spread evenly over any run of ids.
double Spread(uint64_t id) {
  const double turns = static_cast<double>(id % (1 << 20)) * 0.6180339887498949;
  return turns - std::floor(turns);
}

}  // namespace

DeliveryStream::DeliveryStream(const StreamEnvironment* environment,
                               grpc::CallbackServerContext* context,
                               std::unique_ptr<CallAuthorization> authorization)
    : environment_(environment),
      options_(environment->options->Get()),
      context_(context),
      authorization_(std::move(authorization)),
      on_connection_(environment->ledger, context->peer()),
      born_(environment->clock->Elapsed()),
      last_write_(born_) {}

void DeliveryStream::Step() {
  {
    absl::MutexLock lock(&mutex_);
    if (stepping_) {
      step_again_ = true;
      return;
    }
    stepping_ = true;
  }
  while (true) {
    EndIfRevoked();
    Action action = Action::kNone;
    absl::Status end;
    {
      absl::MutexLock lock(&mutex_);
      step_again_ = false;
      action = NextAction();
      if (action == Action::kFinish)
        end = lost_ ? absl::CancelledError("the stream is gone") : *end_;
    }
    if (Take(action, end)) continue;
    absl::MutexLock lock(&mutex_);
    if (!step_again_) {
      stepping_ = false;
      return;
    }
  }
}

void DeliveryStream::EndIfRevoked() {
  {
    // The store may hold on to a stream for longer than those live who are asked.
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
  }
  absl::Status allowed = authorization_->Check();
  if (allowed.ok()) return;
  absl::MutexLock lock(&mutex_);
  if (revoked_) return;
  revoked_ = true;
  control_.clear();
  if (wrote_ && !end_.has_value()) {  // a client hears of its stream's opening before its end
    v1::GoAway go_away;
    go_away.set_reason(v1::GoAway::REASON_PERMISSION_REVOKED);
    *go_away.mutable_drain_deadline() = ToProto(absl::ZeroDuration());
    control_.push_back(EncodeGoAway(go_away));
  }
  end_ = std::move(allowed);
}

DeliveryStream::Action DeliveryStream::NextAction() {
  if (finished_) return Action::kNone;
  const bool ending = lost_ || end_.has_value();
  if (ending && !released_) {
    released_ = true;
    return lost_ ? Action::kReleaseLost : Action::kRelease;
  }
  if (cancel_wanted_ && !cancel_called_) {
    cancel_called_ = true;
    return Action::kCancel;
  }
  if (writing_) return ending ? Action::kNone : Action::kAdvance;
  if (lost_ || (ending && control_.empty())) {
    finished_ = true;
    return Action::kFinish;
  }
  if (control_.empty()) return Action::kAdvance;
  BeginWrite(control_.front());
  control_.pop_front();
  return Action::kWrite;
}

bool DeliveryStream::Take(Action action, const absl::Status& end) {
  switch (action) {
    case Action::kNone:
      return false;
    case Action::kAdvance:
      return Advance();
    case Action::kRelease:
    case Action::kReleaseLost:
      if (eligible_stream_ != nullptr) eligible_stream_->Leave();
      // A client that breaks off may look for a moment as one that half-closes.
      Release(action == Action::kReleaseLost || context_->IsCancelled());
      return true;
    case Action::kCancel:
      context_->TryCancel();
      return true;
    case Action::kWrite: {
      SetEligible(false);
      const grpc::ByteBuffer* message = nullptr;
      {
        absl::MutexLock lock(&mutex_);
        message = &current_;
      }
      StartWriting(message);
      return true;
    }
    case Action::kFinish:
      FinishWith(ToGrpcStatus(end));
      return false;
  }
  return false;
}

void DeliveryStream::BeginWrite(const grpc::ByteBuffer& message) {
  current_ = message;  // shares its slices
  writing_ = wrote_ = true;
  last_write_ = environment_->clock->Elapsed();
}

void DeliveryStream::WriteEvents(const grpc::ByteBuffer& message, std::vector<Sequence> sequences) {
  const grpc::ByteBuffer* current = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    BeginWrite(message);
    current_events_ = std::move(sequences);
    current = &current_;
  }
  SetEligible(false);
  StartWriting(current);
}

void DeliveryStream::WriteDone(bool ok) {
  std::vector<Sequence> written;
  {
    absl::MutexLock lock(&mutex_);
    written.swap(current_events_);
  }
  // Before anything else: a vendor's callback waits for this.
  if (ok && !written.empty() && !receiver_.empty()) {
    environment_->desk->Forwarded(receiver_, written);
  }
  if (ok && !written.empty()) EventsWritten();
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) lost_ = true;
  }
  Step();
}

void DeliveryStream::End(absl::Status status) {
  {
    absl::MutexLock lock(&mutex_);
    if (end_.has_value()) return;
    end_ = std::move(status);
  }
  Step();
}

void DeliveryStream::EndSoon(absl::Status status) {
  drain_until_ = std::min(drain_until_, environment_->clock->Elapsed());
  drain_end_ = std::move(status);
}

void DeliveryStream::Lost() {
  {
    absl::MutexLock lock(&mutex_);
    lost_ = true;
  }
  Step();
}

void DeliveryStream::Done() { environment_->registry->Remove(id_); }

void DeliveryStream::SetEligible(bool eligible) {
  if (eligible == eligible_ || receiver_.empty()) return;
  eligible_ = eligible;
  if (eligible_stream_ == nullptr) {
    eligible_stream_ = environment_->desk->AddStream(receiver_, wants_);
  }
  eligible_stream_->Set(eligible);
}

void DeliveryStream::GoAway(v1::GoAway::Reason reason, absl::Duration drain, absl::Status end) {
  {
    absl::MutexLock lock(&mutex_);
    if (end_.has_value()) return;
    const absl::Duration now = environment_->clock->Elapsed();
    const absl::Duration taken = DrainsRequests() ? drain : absl::ZeroDuration();
    drain_until_ = std::min(drain_until_, now + taken);
    // An old stream is as good as any until there is a new one.
    const bool hands_over = reason == v1::GoAway::REASON_MAX_AGE;
    delivers_until_ = std::min(delivers_until_, hands_over ? now + options().handover_time : now);
    if (draining_) return;
    draining_ = true;
    drain_end_ = std::move(end);
    if (opened_) {
      v1::GoAway go_away;
      go_away.set_reason(reason);
      *go_away.mutable_drain_deadline() = ToProto(taken);
      control_.push_back(EncodeGoAway(go_away));
    }
    if (!opened_ || !DrainsRequests()) end_ = drain_end_;
  }
  Step();
}

void DeliveryStream::SuccessorOpened() {
  {
    absl::MutexLock lock(&mutex_);
    if (!draining_) return;
    delivers_until_ = std::min(delivers_until_, environment_->clock->Elapsed());
  }
  Step();
}

void DeliveryStream::Tick(absl::Duration now) {
  absl::string_view given_up;
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    given_up = NoteDeadlines(now);
  }
  if (!given_up.empty()) {
    environment_->log->Warning("delivery", "stream given up",
                               {{"stream", id_}, {"receiver", receiver_}, {"reason", given_up}});
  }
  if (now - born_ >= MaxAge())
    GoAway(v1::GoAway::REASON_MAX_AGE, options().drain_timeout, GoingAway());

  Step();
}

absl::string_view DeliveryStream::NoteDeadlines(absl::Duration now) {
  if (now >= drain_until_ && !end_.has_value()) end_ = drain_end_;
  if (end_.has_value()) end_noted_ = std::min(end_noted_, now);
  if (writing_ && !cancel_wanted_) {
    // What else could be told the client cannot get through its closed window.
    if (now - last_write_ >= options().stalled_after) {
      cancel_wanted_ = lost_ = true;
      return "its client takes nothing";
    }
    if (now - end_noted_ >= kEndGrace) {
      cancel_wanted_ = true;
      return "its client did not take the last messages";
    }
  }
  const bool idle = opened_ && !writing_ && control_.empty() && !end_.has_value();
  if (idle && now - last_write_ >= options().heartbeat_interval) control_.push_back(Heartbeat());
  if (!request_taken_ && !end_.has_value() && now - born_ >= options().open_timeout) {
    end_ = absl::DeadlineExceededError("no `open` came in time");
  }
  return "";
}

absl::Duration DeliveryStream::MaxAge() const {
  return options().max_stream_age * (0.9 + 0.2 * Spread(id_));
}

}  // namespace onhook
