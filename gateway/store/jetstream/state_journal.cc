#include "gateway/store/jetstream/state_journal.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "gateway/store/jetstream/record_check.h"

namespace onhook {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(100);

}  // namespace

StateJournal::StateJournal(JetStreamApi* api, Subjects subjects, uint64_t writer,
                           const Clock* clock, const Log* log)
    : api_(api), subjects_(std::move(subjects)), writer_(writer), log_(log) {
  StreamFollower::Callbacks callbacks;
  callbacks.message = [this](const StreamMessage& message) { Received(message); };
  callbacks.caught_up = [this] {
    absl::MutexLock lock(&mutex_);
    begun_ = true;
    begins_.SignalAll();
  };
  callbacks.went_back = [this](int64_t kept, const SequenceMarks::Mark& lost) {
    if (loss_listener_ != nullptr) loss_listener_(kept, lost);
  };
  follower_ = std::make_unique<StreamFollower>(
      api_, StreamFollower::Options{subjects_.state_stream(), subjects_.states(), 0},
      std::move(callbacks), clock, log);
}

StateJournal::~StateJournal() { Close(); }

void StateJournal::Begin(Apply apply) {
  apply_ = std::move(apply);
  follower_->Start();
}

absl::Status StateJournal::AwaitBeginning(absl::Duration limit) {
  const SystemClock clock;
  absl::Duration end = clock.Elapsed() + limit;
  int64_t applied = 0;
  const auto begun = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return begun_; };
  while (clock.Elapsed() < end) {
    {
      absl::MutexLock lock(&mutex_);
      if (begins_.AwaitFor(&mutex_, kLook, begun)) return absl::OkStatus();
      if (std::exchange(applied, applied_) != applied_) end = clock.Elapsed() + limit;
    }
    follower_->Tick();
  }
  return absl::DeadlineExceededError("the state of the subscriptions could not be read in time");
}

void StateJournal::Write(Changes changes, Done done) {
  Publish(changes, PublishOptions(), std::move(done));
}

void StateJournal::Replace(Changes changes, int64_t place, Done done) {
  PublishOptions options;
  options.rollup = true;
  options.expected_last_of_subject = place;
  Publish(changes, options, std::move(done));
}

void StateJournal::Publish(const Changes& changes, const PublishOptions& options, Done done) {
  // Nobody would apply it.
  if (absl::Status fault = CheckRecord(changes); !fault.ok()) {
    log_->Error("store", "a record of a subscription cannot be; it is not written",
                {{"subscription", changes.subscription()}, {"error", fault}});
    return done(absl::InternalError(fault.message()));
  }
  Changes written = changes;
  written.set_writer(writer_);
  const int64_t number = written.number();
  bool closed = false;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
    if (!closed) open_[number].done = std::move(done);
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): it was not moved
  if (closed) return done(absl::UnavailableError("the store is closing"));
  api_->Publish(subjects_.State(written.subscription()), {}, written.SerializeAsString(), options,
                [this, number](const absl::StatusOr<PublishAck>& ack) {
                  Acknowledged(number, ack.status(), ack.ok() ? ack->sequence : 0);
                });
}

void StateJournal::Acknowledged(int64_t number, const absl::Status& status, int64_t place) {
  Done done;
  bool wait = false;
  absl::Status outcome;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = open_.find(number);
    if (it == open_.end()) return;
    it->second.acknowledged = true;
    wait = status.ok() && !it->second.applied;
    if (!wait) {
      // What was applied is stored, even if nobody could tell so.
      if (!it->second.applied) outcome = status;
      done = std::move(it->second.done);
      open_.erase(it);
    }
  }
  if (!wait) return done(outcome);
  AwaitApplied(place, [this, number](const absl::Status& applied) {
    if (applied.ok()) Replaced(number);
  });
}

// What stands in the place of a record that was replaced before it was read here says what it said.
void StateJournal::Replaced(int64_t number) {
  Done done;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = open_.find(number);
    if (it == open_.end()) return;  // it was applied itself
    done = std::move(it->second.done);
    open_.erase(it);
  }
  done(absl::OkStatus());
}

void StateJournal::Received(const StreamMessage& message) {
  Changes changes;
  const absl::Status read = changes.ParseFromString(message.data)
                                ? CheckRecord(changes)
                                : absl::DataLossError("it is no record");
  const bool readable = read.ok();
  if (!readable) {
    log_->Error("store", "a record of a subscription cannot be read; it is passed over",
                {{"place", message.sequence}, {"error", read}});
  }
  const bool mine = readable && changes.writer() == writer_;
  bool is_open = false;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    is_open = mine && open_.count(changes.number()) > 0;
  }
  if (readable) apply_(message.sequence, changes, is_open ? changes.number() : 0);
  Done done;
  std::vector<Done> current;
  {
    absl::MutexLock lock(&mutex_);
    applied_ = message.sequence;
    current = TakeCurrent();
    const auto it = is_open ? open_.find(changes.number()) : open_.end();
    if (it != open_.end()) {
      it->second.applied = true;
      if (it->second.acknowledged) {
        done = std::move(it->second.done);
        open_.erase(it);
      }
    }
  }
  if (done != nullptr) done(absl::OkStatus());
  for (const Done& each : current) each(absl::OkStatus());
}

std::vector<StateJournal::Done> StateJournal::TakeCurrent() {
  std::vector<Done> current;
  while (!awaiting_.empty() && awaiting_.begin()->first <= applied_) {
    current.push_back(std::move(awaiting_.begin()->second));
    awaiting_.erase(awaiting_.begin());
  }
  return current;
}

void StateJournal::EnsureCurrent(const std::string& subscription, Done done) {
  api_->GetLast(subjects_.state_stream(), subjects_.State(subscription),
                [this, done = std::move(done)](const absl::StatusOr<StreamMessage>& last) {
                  if (last.ok()) return AwaitApplied(last->sequence, done);
                  done(absl::IsNotFound(last.status()) ? absl::OkStatus() : last.status());
                });
}

void StateJournal::EnsureAllCurrent(Done done) {
  api_->GetStream(subjects_.state_stream(),
                  [this, done = std::move(done)](const absl::StatusOr<StreamInfo>& info) {
                    if (info.ok()) return AwaitApplied(info->last_sequence, done);
                    done(info.status());
                  });
}

void StateJournal::AwaitApplied(int64_t place, Done done) {
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) {
      status = absl::UnavailableError("the store is closing");
    } else if (place > applied_) {
      awaiting_.emplace(place, std::move(done));
      return;
    }
  }
  done(status);
}

void StateJournal::Tick() {
  if (follower_ != nullptr) follower_->Tick();
}

void StateJournal::Close() {
  follower_ = nullptr;
  std::map<int64_t, Open> open;
  std::multimap<int64_t, Done> awaiting;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    open.swap(open_);
    awaiting.swap(awaiting_);
  }
  const absl::Status closing = absl::UnavailableError("the store is closing");
  for (auto& [number, each] : open) {
    // What was applied is stored.
    each.done(each.applied ? absl::OkStatus() : closing);
  }
  for (auto& [place, done] : awaiting) done(closing);
}

}  // namespace onhook
