#include "gateway/store/jetstream/jetstream_quarantine.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/embedded/quarantine_rows.h"
#include "gateway/store/jetstream/rejected_message.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {
namespace {

constexpr size_t kMostDiscarded = 1000;
constexpr size_t kMostTold = 4096;  // ids in one message to the other gateways
constexpr int kMostAttempts = 5;    // to keep one that others keep and remove at the same time
constexpr int kMostLooks = 5;       // at the stream, until the index agrees with it
constexpr absl::Duration kRemovalLogInterval = absl::Minutes(1);
constexpr absl::Duration kTrimInterval = absl::Seconds(1);
constexpr absl::Duration kCompareInterval = absl::Seconds(10);
constexpr absl::Duration kFollowerInterval = absl::Milliseconds(100);
// What one Keep, or one second's housekeeping, removes.
constexpr int64_t kMostAtOneKeep = 300;
constexpr size_t kMostAtOneTrim = 500;
// While it is opened, a tenth of a second apart.
constexpr int kMostLooksAtBeginning = 30;
// How slowly the stream may come at the least before opening fails.
constexpr absl::Duration kBeginTimeout = absl::Seconds(30);
constexpr int64_t kBytesPerSecond = 4 << 20;
// After so many differing comparisons in a row the index is put right; after two, if nothing
// changed between them, so that nothing on its way can be the reason.
constexpr int kDoubtsInQuiet = 2;
constexpr int kDoubtsInChange = 6;

// In a message: its headers, and what its data hold beside the body.
constexpr int64_t kHeadersBytes = 512;
constexpr int64_t kMostBesideBody = 1536;

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }

// What the contract allows for what the servers said.
absl::Status NotNow(const absl::Status& status) {
  const bool is_clear = absl::IsUnavailable(status) || absl::IsInternal(status);
  return is_clear ? status : absl::UnavailableError(status.message());
}

int64_t CountedBytes(const NewRejectedCallback& callback) {
  return static_cast<int64_t>(callback.raw_body.size()) + QuarantineRows::kBytesBesideBody;
}

// How many a Keep may remove. Never fewer than surely take as much as what it keeps, or a flood
// that follows small bodies with large ones would grow beyond the size.
size_t MostRemoved(const NewRejectedCallback& callback) {
  const int64_t messages = CountedBytes(callback) / QuarantineRows::kBytesBesideBody + 1;
  return static_cast<size_t>(std::max(messages, kMostAtOneKeep));
}

// Whether what is known may be what the stream holds: what leaves may be there still.
bool Agrees(const RejectedIndex& index, const StreamInfo& info) {
  const int64_t kept = index.size().callbacks;
  return kept <= info.messages && info.messages <= kept + index.leaving();
}

}  // namespace

// A Keep under way.
struct JetStreamQuarantine::Keeping {
  NewRejectedCallback callback;
  std::string subject;
  std::string data;
  Done<int64_t> done;
  int attempts = 0;
  std::shared_ptr<void> work;
};

// A List under way.
struct JetStreamQuarantine::Listing {
  RejectedCallbackQuery query;
  Done<std::vector<RejectedCallback>> done;
  int looks = 0;
  std::shared_ptr<void> work;
};

JetStreamQuarantine::JetStreamQuarantine(JetStreamApi* api, const Subjects& subjects,
                                         const QuarantineOptions& options, const Clock* clock,
                                         const CautiousClock* cautious_clock, const Log* log)
    : api_(api),
      subjects_(subjects),
      clock_(clock),
      cautious_clock_(cautious_clock),
      log_(log),
      options_(options),
      removals_(clock, kRemovalLogInterval),
      trimmed_at_(clock->Elapsed()),
      compared_at_(clock->Elapsed()),
      work_(this, [](JetStreamQuarantine* quarantine) { quarantine->idle_.Notify(); }) {}

JetStreamQuarantine::~JetStreamQuarantine() {
  Close();
  work_.reset();
  idle_.Wait();
}

// ---------------------------------------------------------------------------------- its life

absl::Status JetStreamQuarantine::Begin(const StreamInfo& info) {
  // First of all, so that nothing is removed between what is read and what is told.
  absl::StatusOr<std::unique_ptr<NatsSubscription>> discarded = api_->connection()->Subscribe(
      subjects_.discarded(), [this](const NatsMessage& message) { HearDiscarded(message); });
  if (!discarded.ok()) return NotNow(discarded.status());
  discarded_ = *std::move(discarded);
  StreamFollower::Options options;
  options.stream = subjects_.rejected_stream();
  StreamFollower::Callbacks callbacks;
  callbacks.message = [this](const StreamMessage& message) { Add(message); };
  callbacks.went_back = [this](int64_t last, const SequenceMarks::Mark&) {
    absl::MutexLock lock(&mutex_);
    index_.ForgetBehind(last);
  };
  callbacks.caught_up = [this] {
    absl::MutexLock lock(&mutex_);
    complete_ = true;
    changed_.SignalAll();
  };
  follower_ = std::make_unique<StreamFollower>(api_, std::move(options), std::move(callbacks),
                                               clock_, log_);
  follower_->Start();
  absl::Duration left = kBeginTimeout + absl::Seconds(info.bytes / kBytesPerSecond);
  for (; left > absl::ZeroDuration(); left -= kFollowerInterval) {
    bool complete = false;
    {
      absl::MutexLock lock(&mutex_);
      complete =
          changed_.AwaitFor(&mutex_, kFollowerInterval,
                            [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return complete_; });
    }
    follower_->Tick();
    if (!complete) continue;
    AwaitAgreement();
    return absl::OkStatus();
  }
  return absl::UnavailableError("the servers take too long to tell what the quarantine holds");
}

// Whoever read may have read from a replica that was behind, and still held what is gone.
void JetStreamQuarantine::AwaitAgreement() {
  for (int looks = 1; looks <= kMostLooksAtBeginning; ++looks) {
    const absl::StatusOr<StreamInfo> info = AwaitAnswer<StreamInfo>(
        [this](auto done) { api_->GetStream(subjects_.rejected_stream(), std::move(done)); });
    {
      absl::MutexLock lock(&mutex_);
      if (!info.ok() || Agrees(index_, *info)) return;
      if (looks > 1 && sweep_ == nullptr) sweep_through_ = info->last_sequence;
      changed_.WaitFor(&mutex_, kFollowerInterval);
    }
    follower_->Tick();
    LookAfterSweep();
  }
}

void JetStreamQuarantine::Add(const StreamMessage& message) {
  RejectedCallback described = DescribeRejected(message);
  absl::MutexLock lock(&mutex_);
  index_.Add(std::move(described));
}

void JetStreamQuarantine::Tick() {
  if (closed_ || follower_ == nullptr) return;
  follower_->Tick();
  LookAfterSweep();
  const absl::Duration now = clock_->Elapsed();
  if (now - trimmed_at_ >= kTrimInterval) {
    trimmed_at_ = now;
    Trim();
  }
  if (now - compared_at_ >= kCompareInterval) {
    compared_at_ = now;
    Compare();
  }
}

void JetStreamQuarantine::SetLimits(const QuarantineOptions& options) { options_.Set(options); }

void JetStreamQuarantine::Close() {
  closed_ = true;
  sweep_ = nullptr;
  follower_ = nullptr;
  discarded_ = nullptr;
}

// ----------------------------------------------------------------------------------- keeping

int64_t JetStreamQuarantine::largest_body() const {
  const int64_t most = api_->connection()->max_payload();
  return most == 0 ? 0 : std::max<int64_t>(most - kHeadersBytes - kMostBesideBody, 1);
}

void JetStreamQuarantine::Keep(NewRejectedCallback callback, Done<int64_t> done) {
  if (closed_) return done(Closing());
  if (CountedBytes(callback) > options_.Get()->bytes) {
    return done(absl::ResourceExhaustedError("it is larger than the whole quarantine may be"));
  }
  auto keeping = std::make_shared<Keeping>();
  keeping->subject = subjects_.Rejected(callback.source, RejectedHash(callback));
  keeping->data = EncodeRejected(callback);
  const int64_t most = api_->connection()->max_payload();
  if (most > 0 && static_cast<int64_t>(keeping->data.size()) + kHeadersBytes > most) {
    return done(
        absl::OutOfRangeError(absl::StrCat("the rejected callback takes ", keeping->data.size(),
                                           " bytes, and the servers' max_payload is ", most)));
  }
  keeping->callback = std::move(callback);
  keeping->done = std::move(done);
  keeping->work = work_;
  Publish(std::move(keeping));
}

void JetStreamQuarantine::Publish(std::shared_ptr<Keeping> keeping) {
  if (closed_) return keeping->done(Closing());
  if (++keeping->attempts > kMostAttempts) {
    return keeping->done(absl::UnavailableError("others keep and remove the same just now"));
  }
  PublishOptions options;
  options.expected_last_of_subject = 0;
  api_->Publish(keeping->subject, {}, keeping->data, options,
                [this, keeping](const absl::StatusOr<PublishAck>& ack) {
                  if (ack.ok()) return NoteKept(*keeping, ack->sequence);
                  if (absl::IsAborted(ack.status())) return FindEqual(keeping);
                  const bool full = absl::IsResourceExhausted(ack.status());
                  keeping->done(full ? ack.status() : NotNow(ack.status()));
                });
}

void JetStreamQuarantine::FindEqual(std::shared_ptr<Keeping> keeping) {
  api_->GetLast(subjects_.rejected_stream(), keeping->subject,
                [this, keeping](const absl::StatusOr<StreamMessage>& message) {
                  if (absl::IsNotFound(message.status()))
                    return Publish(keeping);  // it went in between
                  if (!message.ok()) return keeping->done(NotNow(message.status()));
                  const absl::StatusOr<NewRejectedCallback> kept = DecodeRejected(message->data);
                  if (!kept.ok() || kept->raw_body != keeping->callback.raw_body) {
                    return ReplaceDamaged(keeping, message->sequence);
                  }
                  {
                    absl::MutexLock lock(&mutex_);
                    index_.Add(DescribeRejected(*message));
                  }
                  keeping->done(message->sequence);
                });
}

void JetStreamQuarantine::ReplaceDamaged(std::shared_ptr<Keeping> keeping, int64_t id) {
  log_->Warning("store", "a damaged rejected callback is replaced by an equal one", {{"id", id}});
  Remove({id}, [this, keeping](const RemovedMessages& messages) {
    if (!messages.status.ok()) return keeping->done(NotNow(messages.status));
    Publish(keeping);
  });
}

// Its place in the index, and room for it.
void JetStreamQuarantine::NoteKept(const Keeping& keeping, int64_t id) {
  RejectedCallback kept;
  kept.id = id;
  kept.body_bytes = static_cast<int64_t>(keeping.callback.raw_body.size());
  kept.callback = keeping.callback;
  // What is kept of the time, so that index and message tell the same.
  kept.callback.received_at =
      absl::FromUnixMicros(absl::ToUnixMicros(keeping.callback.received_at));
  const int64_t max_bytes = options_.Get()->bytes;
  std::vector<int64_t> overflow;
  {
    absl::MutexLock lock(&mutex_);
    index_.Add(std::move(kept));
    overflow = index_.TakeOverflow(max_bytes, MostRemoved(keeping.callback));
  }
  if (overflow.empty()) return keeping.done(id);
  Remove(std::move(overflow), [this, id, done = keeping.done](const RemovedMessages& messages) {
    CountRemoved(messages.removed.size(), removed_by_size_);
    done(id);
  });
}

// ---------------------------------------------------------------------------------- removing

void JetStreamQuarantine::Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) {
  if (closed_) return done(Closing());
  if (ids.size() > kMostDiscarded) {
    return done(absl::InvalidArgumentError("at most 1,000 can be discarded at once"));
  }
  std::set<int64_t> asked(ids.begin(), ids.end());
  // The servers know of no such sequences, and some would take them for others.
  std::vector<int64_t> impossible(asked.begin(), asked.lower_bound(1));
  asked.erase(asked.begin(), asked.lower_bound(1));
  {
    absl::MutexLock lock(&mutex_);
    for (const int64_t id : asked) index_.Take(id);
  }
  Remove({asked.begin(), asked.end()}, [unknown = std::move(impossible), done = std::move(done)](
                                           const RemovedMessages& messages) mutable {
    if (!messages.status.ok()) return done(NotNow(messages.status));
    unknown.insert(unknown.end(), messages.absent.begin(), messages.absent.end());
    std::sort(unknown.begin(), unknown.end());
    done(std::move(unknown));
  });
}

void JetStreamQuarantine::Remove(std::vector<int64_t> ids,
                                 std::function<void(RemovedMessages)> done) {
  RemoveMessages(api_, subjects_.rejected_stream(), std::move(ids),
                 [this, done = std::move(done), work = work_](RemovedMessages messages) {
                   NoteRemoved(messages);
                   Tell(messages.removed);
                   done(std::move(messages));
                 });
}

void JetStreamQuarantine::NoteRemoved(const RemovedMessages& messages) {
  absl::MutexLock lock(&mutex_);
  for (const int64_t id : messages.removed) index_.Remove(id);
  for (const int64_t id : messages.absent) index_.NoteAbsent(id);
  for (const int64_t id : messages.unknown) index_.PutBack(id);
}

// Who does not hear it finds out by comparing.
void JetStreamQuarantine::Tell(const std::vector<int64_t>& removed) {
  for (size_t i = 0; i < removed.size(); i += kMostTold) {
    jetstream::Discarded told;
    const size_t end = std::min(removed.size(), i + kMostTold);
    for (size_t j = i; j < end; ++j) told.add_ids(removed[j]);
    (void)api_->connection()->Publish(subjects_.discarded(), told.SerializeAsString());
  }
}

void JetStreamQuarantine::HearDiscarded(const NatsMessage& message) {
  jetstream::Discarded told;
  if (!told.ParseFromString(message.data)) return;
  absl::MutexLock lock(&mutex_);
  for (const int64_t id : told.ids()) index_.Remove(id);
}

void JetStreamQuarantine::CountRemoved(size_t count, std::atomic<int64_t>& removed) {
  if (count == 0) return;
  removed += static_cast<int64_t>(count);
  if (removals_.Occurred() == 0) return;
  log_->Warning("store", "rejected callbacks beyond the quarantine's limits were removed",
                {{"removed_since_start", removed_by_limit()}});
}

void JetStreamQuarantine::Trim() {
  if (trimming_.exchange(true)) return;
  const std::shared_ptr<const QuarantineOptions> options = options_.Get();
  const absl::Time before = cautious_clock_->Now() - options->age;
  std::vector<int64_t> old;
  std::vector<int64_t> overflow;
  {
    absl::MutexLock lock(&mutex_);
    old = index_.TakeOld(before, kMostAtOneTrim);
    overflow = index_.TakeOverflow(options->bytes, kMostAtOneTrim - old.size());
  }
  // Ended by the last of the two.
  std::shared_ptr<void> trimming(&trimming_, [](std::atomic<bool>* flag) { *flag = false; });
  Remove(std::move(old), [this, trimming](const RemovedMessages& messages) {
    CountRemoved(messages.removed.size(), removed_by_age_);
  });
  Remove(std::move(overflow), [this, trimming](const RemovedMessages& messages) {
    CountRemoved(messages.removed.size(), removed_by_size_);
  });
}

// ----------------------------------------------------------------------------------- reading

void JetStreamQuarantine::List(RejectedCallbackQuery query,
                               Done<std::vector<RejectedCallback>> done) {
  if (closed_) return done(Closing());
  auto listing = std::make_shared<Listing>();
  listing->query = std::move(query);
  listing->done = std::move(done);
  listing->work = work_;
  AskAndList(std::move(listing));
}

// What other gateways have just kept or removed is on its way here: a few questions give it time to
// come, and tell whether the servers can be reached at all.
void JetStreamQuarantine::AskAndList(std::shared_ptr<Listing> listing) {
  api_->GetStream(subjects_.rejected_stream(),
                  [this, listing](const absl::StatusOr<StreamInfo>& info) {
                    if (!info.ok()) return listing->done(NotNow(info.status()));
                    std::vector<RejectedCallback> listed;
                    bool again = false;
                    {
                      absl::MutexLock lock(&mutex_);
                      again = !Agrees(index_, *info) && ++listing->looks < kMostLooks;
                      if (!again) listed = index_.List(listing->query);
                    }
                    again ? AskAndList(listing) : listing->done(std::move(listed));
                  });
}

void JetStreamQuarantine::Get(int64_t id, Done<RejectedCallback> done) {
  if (closed_) return done(Closing());
  bool is_gone = id < 1;
  {
    absl::MutexLock lock(&mutex_);
    is_gone = is_gone || index_.IsGone(id);
  }
  if (is_gone) return done(absl::NotFoundError("no such rejected callback"));
  api_->GetMessage(subjects_.rejected_stream(), id,
                   [this, id, done = std::move(done),
                    work = work_](const absl::StatusOr<StreamMessage>& message) {
                     if (absl::IsNotFound(message.status())) {
                       absl::MutexLock lock(&mutex_);
                       index_.NoteAbsent(id);
                     }
                     if (absl::IsNotFound(message.status())) {
                       return done(absl::NotFoundError("no such rejected callback"));
                     }
                     if (!message.ok()) return done(NotNow(message.status()));
                     absl::StatusOr<NewRejectedCallback> callback = DecodeRejected(message->data);
                     if (!callback.ok()) return done(callback.status());
                     const auto bytes = static_cast<int64_t>(callback->raw_body.size());
                     done(RejectedCallback{id, *std::move(callback), bytes});
                   });
}

void JetStreamQuarantine::Measure(Done<QuarantineSize> done) {
  if (closed_) return done(Closing());
  QuarantineSize size;
  {
    absl::MutexLock lock(&mutex_);
    size = index_.size();
  }
  done(size);
}

// -------------------------------------------------------------------- the index and the stream

void JetStreamQuarantine::Compare() {
  api_->GetStream(subjects_.rejected_stream(),
                  [this, work = work_](const absl::StatusOr<StreamInfo>& info) {
                    if (info.ok()) Judge(*info);
                  });
}

void JetStreamQuarantine::Judge(const StreamInfo& info) {
  absl::MutexLock lock(&mutex_);
  if (Agrees(index_, info)) {
    doubts_ = 0;
    return;
  }
  ++doubts_;
  const bool quiet = doubts_ >= kDoubtsInQuiet && index_.changes() == doubted_at_;
  doubted_at_ = index_.changes();
  if (!quiet && doubts_ < kDoubtsInChange) return;
  doubts_ = 0;
  sweep_through_ = info.last_sequence;
}

void JetStreamQuarantine::LookAfterSweep() {
  if (sweep_ != nullptr && sweep_->done()) sweep_ = nullptr;
  if (sweep_ != nullptr) return sweep_->Tick();
  int64_t through = 0;
  {
    absl::MutexLock lock(&mutex_);
    through = std::exchange(sweep_through_, 0);
  }
  if (through == 0) return;
  RejectedSweep::Callbacks callbacks;
  callbacks.message = [this](const StreamMessage& message) { Add(message); };
  callbacks.done = [this, through](const RejectedSweep::Sequences& seen) {
    NoteSwept(through, seen);
  };
  sweep_ = std::make_unique<RejectedSweep>(api_, subjects_.rejected_stream(), std::move(callbacks),
                                           clock_, log_);
}

void JetStreamQuarantine::NoteSwept(int64_t through, const RejectedSweep::Sequences& seen) {
  int64_t gone = 0;
  {
    absl::MutexLock lock(&mutex_);
    for (const int64_t id : index_.IdsThrough(through)) {
      if (seen.contains(id)) continue;
      index_.Remove(id);
      ++gone;
    }
    sweep_through_ = 0;
    doubts_ = 0;
    changed_.SignalAll();
  }
  log_->Info("store", "what the quarantine holds was read anew, since its count did not fit",
             {{"gone", gone}});
}

}  // namespace onhook
