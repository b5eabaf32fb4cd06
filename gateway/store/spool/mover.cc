#include "gateway/store/spool/mover.h"

#include <algorithm>
#include <optional>

#include "gateway/store/spool/envelope.h"

namespace onhook {
namespace {

constexpr char kName[] = "mover";
// Under way at once: enough to fill a commit of the main store, few enough to lie in memory.
constexpr size_t kMostUnderWay = 256;
constexpr int64_t kMostBytes = int64_t{32} << 20;
constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kToldInterval = absl::Seconds(30);
constexpr absl::Duration kLongestWait = absl::Hours(1);

bool IsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

// What the main store refuses by the nonce, whatever else is so.
bool IsOfNonce(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsNotFound(status);
}

ConsumerOptions Consumer() {
  ConsumerOptions options;
  options.name = kName;
  // Those whose acks are not durable yet are held as well.
  options.limits.max_outstanding_events = 4 * kMostUnderWay;
  options.limits.max_outstanding_bytes = 4 * kMostBytes;
  return options;
}

SettleRequest Request(SettleRequest::Action action, std::vector<std::string> delivery_ids) {
  SettleRequest request;
  request.action = action;
  request.delivery_ids = std::move(delivery_ids);
  request.consumer_name = kName;
  return request;
}

}  // namespace

// One event on its way.
struct Mover::Move {
  Lease lease;
  NewEvent event;
  Stage stage = Stage::kLookingUp;
  absl::Duration asked_at;
  absl::Status refusal;  // by its nonce; OK: none yet
  bool is_conflict = false;
};

void Mover::Inbox::Put(Answer answer) {
  absl::MutexLock lock(&mutex);
  answers.push_back(std::move(answer));
  arrived.Signal();
}

Mover::Mover(Parts parts, const Options& options)
    : parts_(std::move(parts)),
      options_(options),
      refusals_(&waits_clock_, kToldInterval),
      pause_(kFirstPause) {
  ConsumerCallbacks callbacks;
  callbacks.ready = [inbox = inbox_] {
    absl::MutexLock lock(&inbox->mutex);
    inbox->ready = true;
    inbox->arrived.Signal();
  };
  callbacks.deleted = [] {};
  consumer_ = parts_.queue->Attach(Consumer(), std::move(callbacks));
  thread_ = std::thread([this] { Run(); });
}

Mover::~Mover() { Stop(); }

void Mover::Wake() {
  absl::MutexLock lock(&inbox_->mutex);
  inbox_->ready = true;
  inbox_->arrived.Signal();
}

void Mover::Stop() {
  {
    absl::MutexLock lock(&inbox_->mutex);
    inbox_->stopping = true;
    inbox_->arrived.Signal();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  parts_.queue->Detach(consumer_, Departure::kInOrder);
}

// ---------------------------------------------------------------------------------- the thread

void Mover::Run() {
  std::vector<Answer> answers;
  while (Await(answers)) {
    const auto work = [this, &answers] {
      for (const Answer& answer : answers) Take(answer);
      Pull();
    };
    Store* const main = parts_.main->Get();
    if (main == nullptr) {
      work();
    } else {
      main->Together(work);
    }
    Acknowledge();
  }
}

size_t Mover::MostToPull() const {
  const bool may = ready_ && parts_.main->Get() != nullptr && waits_clock_.Elapsed() >= next_try_;
  const size_t window = away_ || parts_.circuit->open() ? 1 : kMostUnderWay;
  return may && window > under_way_ ? window - under_way_ : 0;
}

bool Mover::Await(std::vector<Answer>& answers) {
  answers.clear();
  absl::MutexLock lock(&inbox_->mutex);
  const auto is_due = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (std::exchange(inbox_->ready, false)) ready_ = true;
    return inbox_->stopping || !inbox_->answers.empty() || MostToPull() > 0;
  };
  while (!is_due()) {
    const absl::Duration left = next_try_ - waits_clock_.Elapsed();
    const bool pausing = left > absl::ZeroDuration();
    inbox_->arrived.WaitFor(&inbox_->mutex, pausing ? left : kLongestWait);
  }
  answers.swap(inbox_->answers);
  return !inbox_->stopping;
}

void Mover::Pull() {
  ReadLimits limits;
  limits.max_events = MostToPull();
  if (limits.max_events == 0) return;
  limits.max_bytes = kMostBytes;
  PullResult pulled = parts_.queue->Pull(consumer_, limits);
  ready_ = !pulled.leases.empty();
  std::vector<WrittenEvent> written;
  written.reserve(pulled.leases.size());
  for (const Lease& lease : pulled.leases) written.push_back(WrittenEvent::Of(lease));
  parts_.queue->MarkWritten(consumer_, written);
  for (Lease& lease : pulled.leases) Begin(std::move(lease));
}

// ------------------------------------------------------------------------------- one event's way

void Mover::Begin(Lease lease) {
  std::optional<NewEvent> event = FromEnvelope(*lease.event);
  if (!event.has_value()) return SetAside(lease, "cannot be read");
  auto move = std::make_shared<Move>();
  move->event = *std::move(event);
  move->lease = std::move(lease);
  ++under_way_;
  // A clock that was set back tells nothing of its age.
  const absl::Duration age = parts_.clock->Now() - move->event.received_at;
  const bool is_young = age >= absl::ZeroDuration() && age < options_.deduplication_window / 2;
  if (is_young) return Append(move);
  LookUp(move);
}

void Mover::LookUp(const std::shared_ptr<Move>& move) {
  move->stage = Stage::kLookingUp;
  move->asked_at = waits_clock_.Elapsed();
  EventQuery query;
  query.call_serial_no = move->event.call_serial_no;
  query.source = move->event.source;
  query.digest = move->event.digest;
  query.max_events = 1;
  parts_.main->Get()->log().Find(
      std::move(query),
      [inbox = inbox_, move](const absl::StatusOr<std::vector<LogEventPtr>>& found) {
        inbox->Put({move, found.status(), found.ok() && !found->empty()});
      });
}

void Mover::Append(const std::shared_ptr<Move>& move) {
  move->stage = Stage::kAppending;
  move->asked_at = waits_clock_.Elapsed();
  NewEvent copy = move->event;
  parts_.main->Get()->log().Append(
      std::move(copy), [inbox = inbox_, move](const absl::StatusOr<AppendResult>& result) {
        inbox->Put({move, result.status()});
      });
}

void Mover::Quarantine(const std::shared_ptr<Move>& move) {
  move->stage = Stage::kQuarantining;
  move->asked_at = waits_clock_.Elapsed();
  NewRejectedCallback callback;
  callback.source = move->event.source;
  callback.received_at = move->event.received_at;
  callback.reason = v1::RejectedCallback::REASON_NONCE_REUSED;
  const bool has_body = !move->event.raw_body.empty();
  callback.detail =
      has_body ? "was stored in the spool; its nonce came with another content meanwhile"
               : "was stored in the spool; its nonce came with another content meanwhile; the "
                 "body was not kept, this is its event, a serialised onhook.v1.ReleaseEvent";
  if (!has_body) callback.content_type = "application/x-protobuf";
  callback.raw_body = has_body ? move->event.raw_body : move->event.event;
  parts_.main->Get()->quarantine().Keep(
      std::move(callback), [inbox = inbox_, move](const absl::StatusOr<int64_t>& kept) {
        inbox->Put({move, kept.status()});
      });
}

void Mover::Take(const Answer& answer) {
  switch (answer.move->stage) {
    case Stage::kLookingUp:
      return TakeLookedUp(answer);
    case Stage::kAppending:
      return TakeAppended(answer);
    case Stage::kQuarantining:
      return TakeQuarantined(answer);
  }
}

void Mover::TakeLookedUp(const Answer& answer) {
  Move& move = *answer.move;
  if (!answer.status.ok()) {
    if (IsAway(answer.status)) NoteHealth(move, answer.status);
    return Again(answer.move, answer.status);
  }
  if (answer.found) return Finish(answer.move);
  if (absl::IsPermissionDenied(move.refusal)) return Quarantine(answer.move);
  // By its nonce the main log takes it for one of long ago. But it was let in by this gateway, with
  // this nonce, when it came, and was answered with success: it has to be in the log.
  if (absl::IsNotFound(move.refusal)) move.event.nonce.reset();
  Append(answer.move);
}

void Mover::TakeAppended(const Answer& answer) {
  Move& move = *answer.move;
  NoteHealth(move, answer.status);
  if (answer.status.ok()) return Finish(answer.move);
  if (absl::IsOutOfRange(answer.status)) {
    --under_way_;
    return SetAside(move.lease, "is larger than the main store takes");
  }
  const bool is_news = move.event.nonce.has_value() && move.refusal.ok();
  if (!IsOfNonce(answer.status) || !is_news) return Again(answer.move, answer.status);
  // A repeat with another nonce may have brought it into the log, or this one did long ago.
  move.refusal = answer.status;
  LookUp(answer.move);
}

void Mover::TakeQuarantined(const Answer& answer) {
  if (absl::IsOutOfRange(answer.status)) {
    --under_way_;
    return SetAside(answer.move->lease, "is larger than the main store's quarantine takes");
  }
  if (!answer.status.ok()) return Again(answer.move, answer.status);
  answer.move->is_conflict = true;
  parts_.log->Error("store",
                    "an event that was stored in the spool is in the quarantine: its nonce came "
                    "with another content meanwhile",
                    {{"source", answer.move->event.source}});
  Finish(answer.move);
}

void Mover::NoteHealth(const Move& move, const absl::Status& status) {
  const absl::Duration now = waits_clock_.Elapsed();
  away_ = IsAway(status);
  if (away_) {
    parts_.circuit->StillFails(now);
    next_try_ = now + pause_;
    pause_ = std::min(2 * pause_, options_.longest_pause);
    return;
  }
  pause_ = kFirstPause;
  next_try_ = now;
  if (now - move.asked_at <= options_.patience) parts_.circuit->Succeeded();
}

// ---------------------------------------------------------------------------------- how it ends

void Mover::Finish(const std::shared_ptr<Move>& move) {
  --under_way_;
  finished_.push_back(move);
}

void Mover::Again(const std::shared_ptr<Move>& move, const absl::Status& status) {
  --under_way_;
  SettleRequest request = Request(SettleRequest::Action::kRetry, {move->lease.delivery_id});
  if (IsAway(status)) {
    request.delay = options_.longest_pause;
  } else if (const int64_t events = refusals_.Occurred(); events > 0) {
    parts_.log->Error("store", "the main store refuses events of the spool, which stay there",
                      {{"events", events}, {"error", status}});
  }
  request.reason = std::string(status.message());
  // If that is not made durable, the event comes again when its deadline is over.
  parts_.queue->Settle(request, [](const std::vector<SettleException>&) {});
}

void Mover::SetAside(const Lease& lease, const std::string& why) {
  parts_.log->Error(
      "store", "an event of the spool cannot be moved: it is kept among the spool's dead letters",
      {{"sequence", lease.event->sequence}, {"why", why}});
  SettleRequest request = Request(SettleRequest::Action::kPark, {lease.delivery_id});
  request.reason = why;
  parts_.queue->Settle(request,
                       [account = parts_.account](const std::vector<SettleException>& exceptions) {
                         if (exceptions.empty()) account->SetAside();
                       });
}

void Mover::Acknowledge() {
  if (finished_.empty()) return;
  std::vector<std::string> ids;
  ids.reserve(finished_.size());
  for (const auto& move : finished_) ids.push_back(move->lease.delivery_id);
  parts_.queue->Settle(Request(SettleRequest::Action::kAck, std::move(ids)),
                       [moves = std::move(finished_),
                        account = parts_.account](const std::vector<SettleException>& exceptions) {
                         std::vector<bool> settled(moves.size(), true);
                         for (const SettleException& exception : exceptions)
                           settled[exception.index] = false;
                         for (size_t i = 0; i < moves.size(); ++i) {
                           if (!settled[i]) continue;  // it comes again
                           if (moves[i]->is_conflict) {
                             account->Conflicted();
                           } else {
                             account->Moved();
                           }
                         }
                       });
  finished_.clear();
}

}  // namespace onhook
