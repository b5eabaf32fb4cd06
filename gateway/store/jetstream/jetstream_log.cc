#include "gateway/store/jetstream/jetstream_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/store/jetstream/event_message.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/jetstream/stream_setup.h"

namespace onhook {
namespace {

// How long a Read waits for an event that was stored and is on its way here: much longer than that
// takes, and not noticed by anybody when the follower has to begin anew.
constexpr absl::Duration kPatience = absl::Milliseconds(500);
constexpr absl::Duration kLookInterval = absl::Seconds(1);
constexpr absl::Duration kChangeTold = absl::Minutes(1);
// Whoever reloads changes the stream first, and then what is expected: one look may fall between.
constexpr int kLooksThatCount = 2;
// So few are asked for one by one: less than to have a reader made.
constexpr size_t kFew = 2;

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }
absl::Status NoLongerKept() { return absl::OutOfRangeError("the events are no longer kept"); }

absl::Status ReadError(const absl::Status& status) {
  return absl::IsUnavailable(status) ? status : absl::InternalError(status.message());
}

}  // namespace

JetStreamLog::JetStreamLog(JetStreamApi* api, const Subjects& subjects,
                           const JetStreamOptions& options, JetStreamNonces* nonces,
                           const Clock* clock, const Log* log)
    : api_(api),
      subjects_(subjects),
      tail_bytes_(options.tail_bytes),
      clock_(clock),
      log_(log),
      postponed_(clock),
      lookup_(api, subjects.events_stream(), options.nats.request_timeout,
              MessageLookup::WhileAway::kAskAgain, &postponed_, clock),
      pages_(api, subjects.events_stream(), options.nats.request_timeout, &postponed_, clock),
      search_(subjects, &lookup_, &pages_),
      lookup_for_appends_(api, subjects.events_stream(), options.nats.request_timeout,
                          MessageLookup::WhileAway::kFail, &postponed_, clock),
      search_for_appends_(subjects, &lookup_for_appends_, &pages_),
      appends_({api, nonces, &search_for_appends_, &lookup_for_appends_, &postponed_, clock,
                [this](Sequence last) { SignalTail(last); }},
               subjects, options.nats.request_timeout),
      talk_(api->connection(), subjects.forwarded(), log),
      window_ns_(absl::ToInt64Nanoseconds(options.retention.deduplication_window)),
      change_throttle_(clock, kChangeTold) {}

JetStreamLog::~JetStreamLog() { Close(); }

void JetStreamLog::Begin(const StreamInfo& events) {
  Learn(events);
  description_ = events.config.description;
  tail_ = std::make_unique<EventTail>(events.last_sequence, tail_bytes_);
  StreamFollower::Options options;
  options.stream = subjects_.events_stream();
  options.after = events.last_sequence;
  StreamFollower::Callbacks callbacks;
  callbacks.message = [this](const StreamMessage& message) { Arrived(message); };
  callbacks.went_back = [this](int64_t last, const SequenceMarks::Mark& lost) {
    WentBack(last, lost);
  };
  follower_ = std::make_unique<StreamFollower>(api_, options, callbacks, clock_, log_);
  follower_->Start();
}

Sequence JetStreamLog::last() const { return std::max(arrived(), appends_.greatest_told()); }

void JetStreamLog::Append(NewEvent event, AppendDone done) {
  if (closing_) return done(Closing());
  appends_.Append(std::move(event), std::move(done));
}

void JetStreamLog::AddTailListener(TailListener listener) {
  listeners_.push_back(std::move(listener));
}

void JetStreamLog::RecordForwarded(const std::string& receiver, SequenceRange range) {
  talk_.TellForwarded(receiver, range);
}

void JetStreamLog::ListenToOthers(OtherGateways others) { talk_.Listen(std::move(others)); }

void JetStreamLog::TellReceivers(const std::vector<std::string>& receivers) {
  talk_.TellReceivers(receivers);
}

// ------------------------------------------------------------------------------- what comes in

void JetStreamLog::Arrived(const StreamMessage& message) {
  if (message.sequence <= tail_->last()) return;
  jetstream::StoredEvent stored;
  const bool is_event = stored.ParseFromString(message.data);
  const uint64_t append = is_event ? stored.append() : 0;
  LogEventPtr event = is_event ? DecodeEvent(std::move(stored), message.sequence, message.stored_at)
                               : DecodeEvent(message.data, message.sequence, message.stored_at);
  if (event->corrupt) {
    log_->Error("store", "event does not fit its checksum; it is not delivered",
                {{"sequence", message.sequence}});
  }
  tail_->Add(std::move(event));
  const std::optional<Sequence> may_be_told = appends_.Arrived(append, message.sequence);
  AnswerWaiting();
  if (may_be_told.has_value()) SignalTail(*may_be_told);
}

void JetStreamLog::SignalTail(Sequence last) const {
  if (closing_) return;
  for (const TailListener& listener : listeners_) listener(last);
}

// Servers that do not sync at once lose what they acknowledged when all of them lose power.
void JetStreamLog::WentBack(Sequence last, const SequenceMarks::Mark& lost) {
  log_->Warning("store", "the stream of events seems to have lost its end",
                {{"stream", subjects_.events_stream()},
                 {"newest_known", this->last()},
                 {"newest_kept", last}});
  appends_.ForgetBehind(last);
  tail_->ForgetBehind(last);
  if (loss_listener_ != nullptr) loss_listener_(last, lost);
}

void JetStreamLog::AnswerWaiting() {
  std::vector<WaitingRead> ready;
  {
    absl::MutexLock lock(&waiting_mutex_);
    if (waiting_.empty()) return;
    const Sequence there = tail_->last();
    const auto behind =
        std::partition(waiting_.begin(), waiting_.end(),
                       [there](const WaitingRead& read) { return read.awaited > there; });
    ready.assign(std::make_move_iterator(behind), std::make_move_iterator(waiting_.end()));
    waiting_.erase(behind, waiting_.end());
  }
  for (WaitingRead& read : ready) ReadArrived(read.after, read.limits, std::move(read.done));
}

// ------------------------------------------------------------------------------------- reading

void JetStreamLog::Read(Sequence after, ReadLimits limits, ReadDone done) {
  if (closing_) return done(Closing());
  const Sequence newest = last();
  if (after > newest) {
    return done(absl::OutOfRangeError("the place lies behind the newest event"));
  }
  if (after + 1 < first()) return done(NoLongerKept());
  if (after == newest) return done(LogPage{{}, /*at_end=*/true});
  if (newest > arrived()) {
    const std::optional<LogPage> page = tail_->Read(after, limits);
    if (after >= arrived() || (page.has_value() && page->at_end)) {
      {
        absl::MutexLock lock(&waiting_mutex_);
        waiting_.push_back({after, limits, std::move(done), newest, clock_->Elapsed() + kPatience});
      }
      return AnswerWaiting();  // it may be here by now
    }
  }
  ReadArrived(after, limits, std::move(done));
}

void JetStreamLog::ReadArrived(Sequence after, ReadLimits limits, ReadDone done) {
  if (std::optional<LogPage> page = tail_->Read(after, limits)) return done(*std::move(page));
  ReadPage(after, limits, std::move(done));
}

void JetStreamLog::ReadPage(Sequence after, ReadLimits limits, ReadDone done) {
  if (limits.max_events <= kFew) return ReadFew(after, limits, {}, std::move(done));
  const Sequence newest = last();
  StreamPages::Question question;
  question.after = after;
  question.through = newest;
  question.max_messages = static_cast<int64_t>(limits.max_events);
  question.max_bytes = limits.max_bytes;
  pages_.Read(question, [this, after, newest,
                         done = std::move(done)](absl::StatusOr<MessagePage> messages) mutable {
    if (!messages.ok()) return done(ReadError(messages.status()));
    LogPage page;
    for (const StreamMessage& message : messages->messages) {
      page.events.push_back(DecodeEvent(message.data, message.sequence, message.stored_at));
    }
    page.at_end = page.events.empty() || page.events.back()->sequence >= newest;
    FinishPage(after, std::move(page), std::move(done));
  });
}

void JetStreamLog::ReadFew(Sequence after, ReadLimits limits, LogPage page, ReadDone done) {
  const Sequence newest = last();
  const Sequence place = page.events.empty() ? after : page.events.back()->sequence;
  size_t bytes = 0;
  for (const LogEventPtr& event : page.events) bytes += event->event.size();
  page.at_end = place >= newest;
  if (page.at_end || (!page.events.empty() && page.events.size() >= limits.max_events)) {
    return FinishPage(after, std::move(page), std::move(done));
  }
  lookup_.Next(place + 1, subjects_.events(),
               [this, after, limits, bytes, page = std::move(page),
                done = std::move(done)](absl::StatusOr<StreamMessage> message) mutable {
                 if (!message.ok() && !absl::IsNotFound(message.status())) {
                   return done(ReadError(message.status()));
                 }
                 if (!message.ok()) {
                   page.at_end = true;
                   return FinishPage(after, std::move(page), std::move(done));
                 }
                 LogEventPtr event =
                     DecodeEvent(message->data, message->sequence, message->stored_at);
                 if (!page.events.empty() && bytes + event->event.size() > limits.max_bytes) {
                   return FinishPage(after, std::move(page), std::move(done));
                 }
                 page.events.push_back(std::move(event));
                 ReadFew(after, limits, std::move(page), std::move(done));
               });
}

void JetStreamLog::FinishPage(Sequence after, LogPage page, ReadDone done) {
  for (const LogEventPtr& event : page.events) {
    if (!event->corrupt) continue;
    log_->Error("store", "event does not fit its checksum; it is not delivered",
                {{"sequence", event->sequence}});
  }
  if (after + 1 < first()) return done(NoLongerKept());  // meanwhile
  const bool has_gap = page.events.empty() || page.events.front()->sequence > after + 1;
  if (!has_gap) return done(std::move(page));
  // Another gateway may have purged what was there.
  api_->GetStream(subjects_.events_stream(),
                  [this, after, page = std::move(page),
                   done = std::move(done)](absl::StatusOr<StreamInfo> events) mutable {
                    if (!events.ok())
                      return done(absl::UnavailableError(events.status().message()));
                    Learn(*events);
                    if (after + 1 < first()) return done(NoLongerKept());
                    done(std::move(page));
                  });
}

void JetStreamLog::Find(EventQuery query, FindDone done) {
  if (closing_) return done(Closing());
  if (query.call_serial_no.empty() && query.received_from == absl::InfinitePast() &&
      query.received_before == absl::InfiniteFuture()) {
    return done(absl::InvalidArgumentError("a look-up needs a call or a time"));
  }
  search_.Find(std::move(query), {first(), last()},
               [done = std::move(done)](absl::StatusOr<std::vector<LogEventPtr>> found) {
                 if (!found.ok()) return done(ReadError(found.status()));
                 done(std::move(found));
               });
}

void JetStreamLog::FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) {
  if (closing_) return done(Closing());
  search_.FindPlace(time, {first(), last()},
                    [done = std::move(done)](absl::StatusOr<Sequence> place) {
                      if (!place.ok()) return done(ReadError(place.status()));
                      done(place);
                    });
}

void JetStreamLog::FindRawBody(Sequence sequence, RawBodyDone done) {
  if (closing_) return done(Closing());
  if (sequence < first() || sequence > last()) return done(std::nullopt);
  lookup_.At(sequence, [done = std::move(done)](absl::StatusOr<StreamMessage> message) {
    if (absl::IsNotFound(message.status())) return done(std::nullopt);
    if (!message.ok()) return done(ReadError(message.status()));
    jetstream::StoredEvent stored;
    if (!stored.ParseFromString(message->data)) {
      return done(absl::DataLossError("the event cannot be read"));
    }
    done(RawBodyOf(stored));
  });
}

// --------------------------------------------------------------------------- the stream's state

void JetStreamLog::Tick() {
  if (closing_) return;
  postponed_.Tick();
  pages_.Tick();
  if (follower_ != nullptr) follower_->Tick();
  std::vector<WaitingRead> late;
  {
    absl::MutexLock lock(&waiting_mutex_);
    const absl::Duration now = clock_->Elapsed();
    const auto behind = std::partition(waiting_.begin(), waiting_.end(),
                                       [now](const WaitingRead& read) { return read.until > now; });
    late.assign(std::make_move_iterator(behind), std::make_move_iterator(waiting_.end()));
    waiting_.erase(behind, waiting_.end());
  }
  for (WaitingRead& read : late) ReadPage(read.after, read.limits, std::move(read.done));
  LookAtStream();
}

void JetStreamLog::LookAtStream() {
  const int64_t now_ns = absl::ToInt64Nanoseconds(clock_->Elapsed());
  if (now_ns - looked_ns_ < absl::ToInt64Nanoseconds(kLookInterval)) return;
  if (looking_.exchange(true)) return;
  looked_ns_ = now_ns;
  api_->GetStream(subjects_.events_stream(), [this](const absl::StatusOr<StreamInfo>& events) {
    if (events.ok() && events->config.description == description_) {
      Learn(*events);
      LookForChange(*events);
    }
    looking_ = false;
    const bool is_another = events.ok() && events->config.description != description_;
    if (is_another && replaced_listener_ != nullptr && !replaced_.exchange(true)) {
      replaced_listener_();
    }
  });
}

void JetStreamLog::Learn(const StreamInfo& events) {
  SetFirst(events.first_sequence);
  events_.store(events.messages, std::memory_order_relaxed);
  bytes_.store(events.bytes, std::memory_order_relaxed);
}

void JetStreamLog::LookForChange(const StreamInfo& events) {
  const absl::Duration window = absl::Nanoseconds(window_ns_.load(std::memory_order_relaxed));
  absl::Status change = CheckEventsStream(events, window);
  looks_at_change_ = change.ok() ? 0 : looks_at_change_ + 1;
  if (!change.ok() && looks_at_change_ < kLooksThatCount) return;
  if (!change.ok() && change_throttle_.Occurred() > 0) {
    log_->Error("store", "the stream of events was changed", {{"error", change}});
  }
  // With a longer window than promised nothing is stored again.
  const bool is_harmless = events.unsuitable.empty() && events.config.duplicate_window > window;
  absl::MutexLock lock(&change_mutex_);
  change_ = is_harmless ? absl::OkStatus() : std::move(change);
}

absl::Status JetStreamLog::health() const {
  {
    absl::MutexLock lock(&change_mutex_);
    if (!change_.ok()) return change_;
  }
  return appends_.room();
}

void JetStreamLog::SetFirst(Sequence first) {
  Sequence known = first_.load(std::memory_order_acquire);
  while (known < first && !first_.compare_exchange_weak(known, first)) {
  }
}

void JetStreamLog::Close() {
  if (closing_.exchange(true)) return;
  follower_.reset();
  talk_.StopListening();
  postponed_.Close();
  appends_.Close();
  pages_.Close();
  std::vector<WaitingRead> waiting;
  {
    absl::MutexLock lock(&waiting_mutex_);
    waiting.swap(waiting_);
  }
  for (const WaitingRead& read : waiting) read.done(Closing());
}

}  // namespace onhook
