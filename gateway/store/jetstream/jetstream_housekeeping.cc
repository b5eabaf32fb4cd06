#include "gateway/store/jetstream/jetstream_housekeeping.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace onhook {
namespace {

constexpr absl::Duration kTrimInterval = absl::Seconds(10);
constexpr absl::Duration kForEver = absl::InfiniteDuration();

// The last of the messages after `low` up to `high` that was stored before `since`, or `low`.
// Messages are stored in the order of time, as far as the servers' clocks agree.
void FindStoredBefore(JetStreamApi* api, const std::string& stream, const std::string& subject,
                      Sequence low, Sequence high, absl::Time since,
                      std::function<void(absl::StatusOr<Sequence>)> done) {
  if (low >= high) return done(low);
  const Sequence middle = low + (high - low + 1) / 2;
  api->GetNext(stream, middle, subject,
               [=, done = std::move(done)](const absl::StatusOr<StreamMessage>& message) {
                 if (!message.ok()) return done(message.status());
                 const bool before = message->stored_at < since;
                 FindStoredBefore(api, stream, subject, before ? middle : low,
                                  before ? high : middle - 1, since, done);
               });
}

}  // namespace

JetStreamHousekeeping::JetStreamHousekeeping(const RetentionOptions& options, Queues queues,
                                             EnsureCurrent current, JetStreamApi* api,
                                             const Subjects& subjects, JetStreamLog* event_log,
                                             const CautiousClock* clock, const Log* log)
    : options_(options),
      queues_(std::move(queues)),
      current_(std::move(current)),
      api_(api),
      subjects_(subjects),
      event_log_(event_log),
      clock_(clock),
      log_(log),
      trimmed_(clock->Elapsed()) {}

void JetStreamHousekeeping::SetLimits(const RetentionOptions& options) { options_.Set(options); }

void JetStreamHousekeeping::Tick() {
  if (!cutting_.exchange(true)) Cut();
  if (clock_->Elapsed() - trimmed_ < kTrimInterval) return;
  trimmed_ = clock_->Elapsed();
  if (!trimming_.exchange(true)) TrimDeadLetters();
}

Sequence JetStreamHousekeeping::OwedFloor() const {
  Sequence floor = event_log_->last();
  for (const auto& queue : queues_()) floor = std::min(floor, queue->floor());
  return floor;
}

// --------------------------------------------------------------------------------------- events

void JetStreamHousekeeping::Cut() {
  const auto options = options_.Get();
  const bool limited = options->age.has_value() || options->bytes.has_value();
  // The newest event stays.
  const Sequence owed = std::min(OwedFloor(), event_log_->last() - 1);
  if (!limited || owed < event_log_->first()) {
    cutting_ = false;
    return;
  }
  // What was stored within the window stays, whatever its own time.
  api_->GetNext(subjects_.events_stream(), event_log_->first(), subjects_.events(),
                [this](const absl::StatusOr<StreamMessage>& oldest) {
                  const absl::Duration window = options_.Get()->deduplication_window;
                  if (!oldest.ok() || clock_->Now() - oldest->stored_at < window) {
                    cutting_ = false;
                    return;
                  }
                  current_([this](const absl::Status& status) {
                    const Sequence most = std::min(OwedFloor(), event_log_->last() - 1);
                    if (!status.ok() || most < event_log_->first()) {
                      cutting_ = false;
                      return;
                    }
                    CutByAge(most);
                  });
                });
}

void JetStreamHousekeeping::CutByAge(Sequence most) {
  const absl::Duration age = options_.Get()->age.value_or(kForEver);
  if (age == kForEver) return CutBySize(most, 0);
  event_log_->FindPlace(clock_->Now() - age, [this, most](const absl::StatusOr<Sequence>& place) {
    CutBySize(most, place.ok() ? *place : 0);
  });
}

// The servers tell how much all events take, not one: what is to go is taken to be of the usual
// size.
void JetStreamHousekeeping::CutBySize(Sequence most, Sequence by_age) {
  Sequence by_size = 0;
  const std::optional<int64_t> limit = options_.Get()->bytes;
  const int64_t bytes = event_log_->bytes();
  if (limit.has_value() && bytes > *limit) {
    const double part = static_cast<double>(bytes - *limit) / static_cast<double>(bytes);
    const Sequence first = event_log_->first();
    by_size = first - 1 +
              static_cast<Sequence>(part * static_cast<double>(event_log_->last() - first + 1));
  }
  const Sequence through = std::min(most, std::max(by_age, by_size));
  if (through < event_log_->first()) {
    cutting_ = false;
    return;
  }
  // Behind those that were stored within the window, whatever the limits say.
  const absl::Time since = clock_->Now() - options_.Get()->deduplication_window;
  FindStoredBefore(api_, subjects_.events_stream(), subjects_.events(), event_log_->first() - 1,
                   through, since, [this](const absl::StatusOr<Sequence>& place) {
                     if (!place.ok() || *place < event_log_->first()) {
                       cutting_ = false;
                       return;
                     }
                     Purge(*place);
                   });
}

void JetStreamHousekeeping::Purge(Sequence through) {
  api_->Purge(subjects_.events_stream(), through + 1, "",
              [this, through](const absl::Status& done) {
                if (done.ok()) event_log_->SetFirst(through + 1);
                if (!done.ok() && !absl::IsUnavailable(done)) {
                  log_->Warning("store", "old events could not be removed", {{"error", done}});
                }
                cutting_ = false;
              });
}

// ---------------------------------------------------------------------------------- dead letters

void JetStreamHousekeeping::TrimDeadLetters() {
  api_->GetStream(subjects_.dead_stream(), [this](const absl::StatusOr<StreamInfo>& info) {
    if (!info.ok()) {
      trimming_ = false;
      return;
    }
    // What nobody refers to (copies of a gateway that ended before it wrote of them, say) must not
    // push out what is somebody's. Messages are taken to be of the usual size.
    int64_t referred = 0;
    for (const auto& queue : queues_()) referred += queue->DeadMessages();
    const double share = std::min(
        static_cast<double>(referred) / static_cast<double>(std::max<int64_t>(info->messages, 1)),
        1.0);
    DropOldest(static_cast<int64_t>(share * static_cast<double>(info->bytes)));
  });
}

void JetStreamHousekeeping::DropOldest(int64_t bytes) {
  int64_t oldest = 0;
  std::shared_ptr<JetStreamQueue> owner;
  for (const auto& queue : queues_()) {
    const int64_t id = queue->OldestDeadLetter();
    if (id == 0 || (oldest != 0 && id >= oldest)) continue;
    oldest = id;
    owner = queue;
  }
  if (owner == nullptr) {
    trimming_ = false;
    return;
  }
  api_->GetMessage(
      subjects_.dead_stream(), oldest,
      [this, owner, oldest, bytes](const absl::StatusOr<StreamMessage>& message) {
        const auto options = options_.Get();
        const absl::Time before =
            clock_->Now() - options->dead_letters_age.value_or(absl::InfiniteDuration());
        const bool too_old = message.ok() && message->stored_at < before;
        const bool too_much = bytes > options->dead_letters_bytes.value_or(bytes);
        // Nothing is left of it; what comes behind it may be too old all the same.
        const bool gone = absl::IsNotFound(message.status());
        if (!gone && (!message.ok() || (!too_old && !too_much))) {
          trimming_ = false;
          return;
        }
        const auto size = gone ? 0 : static_cast<int64_t>(message->data.size());
        owner->DropDeadLetter(oldest, [this, too_old, gone, bytes, size](bool dropped) {
          if (!dropped) {
            trimming_ = false;
            return;
          }
          if (!gone) ++(too_old ? removed_by_age_ : removed_by_size_);
          DropOldest(bytes - size);
        });
      });
}

}  // namespace onhook
