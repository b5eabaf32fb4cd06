#include "gateway/store/embedded/housekeeping.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "gateway/store/embedded/commit_and_wait.h"

namespace onhook {
namespace {

// Events and rows removed in one commit: some milliseconds' work.
constexpr Sequence kEventsInOneCommit = 250;
constexpr int64_t kRowsInOneCommit = 500;
constexpr absl::Duration kSweepInterval = absl::Seconds(30);

}  // namespace

Housekeeping::Housekeeping(const RetentionOptions& options, const QuarantineOptions& quarantine,
                           Callbacks callbacks, EmbeddedLog* event_log, CommitQueue* commits,
                           const CautiousClock* clock, const Log* log)
    : options_(options),
      quarantine_(quarantine),
      callbacks_(std::move(callbacks)),
      event_log_(event_log),
      commits_(commits),
      clock_(clock),
      log_(log),
      swept_(clock->Elapsed()) {}

void Housekeeping::SetLimits(const RetentionOptions& options, const QuarantineOptions& quarantine) {
  options_.Set(options);
  quarantine_.Set(quarantine);
}

void Housekeeping::Tick() {
  if (!cutting_.exchange(true)) FindCut();
  const absl::Duration now = clock_->Elapsed();
  if (now - swept_ < kSweepInterval && !orphans_) return;
  if (sweeping_.exchange(true)) return;
  swept_ = now;
  Sweep();
}

// --------------------------------------------------------------------------------------- the log

void Housekeeping::FindCut() {
  const std::shared_ptr<const RetentionOptions> options = options_.Get();
  const auto by_bytes = [this, bytes = options->bytes](Sequence through) {
    const int64_t offset = event_log_->last_offset() - bytes.value_or(0);
    if (!bytes.has_value() || offset <= 0) return Cut(through);
    event_log_->FindOffset(offset, [this, through](absl::StatusOr<Sequence> place) {
      // The event at the place reaches into what is to be kept.
      Cut(std::max(through, place.ok() ? *place - 1 : 0));
    });
  };
  if (!options->age.has_value()) return by_bytes(0);
  event_log_->FindPlace(clock_->Now() - *options->age, [by_bytes](absl::StatusOr<Sequence> place) {
    by_bytes(place.value_or(0));
  });
}

void Housekeeping::Cut(Sequence through) {
  through = std::min({through, callbacks_.owed_floor(), event_log_->last() - 1});
  if (through < event_log_->first()) {
    cutting_ = false;
    return;
  }
  CommitSteps steps;
  steps.apply = [this, through](Storage& storage) { return RemovePart(through, storage); };
  steps.finish = [this, through](const absl::Status& status) {
    if (status.ok() && !callbacks_.changing()) return Cut(through);
    cutting_ = false;
  };
  Submit(*commits_, std::move(steps), CommitQueue::Urgency::kMayLinger);
}

absl::Status Housekeeping::RemovePart(Sequence through, Storage& storage) {
  if (callbacks_.changing()) return absl::OkStatus();
  const Sequence first = event_log_->first();
  // What is owed is asked for again: a seek may have come between.
  through = std::min({through, callbacks_.owed_floor(), first + kEventsInOneCommit - 1});
  if (through < first) return absl::OkStatus();
  // Readers are told before it is so: what is to go is as good as gone.
  event_log_->SetFirst(through + 1);
  absl::Status status = storage.RemoveEvents(through, clock_->Latest());
  if (status.ok()) status = event_log_->TrimForwarded(through, storage);
  for (const auto& [id, epoch_number] : callbacks_.journals()) {
    if (!status.ok()) return status;
    status = storage.TrimJournal(id, epoch_number, {first, through}, kRowsInOneCommit).status();
  }
  return status;
}

// ----------------------------------------------------------------------------------- other rows

void Housekeeping::Sweep() {
  auto swept = std::make_shared<Swept>();
  CommitSteps steps;
  steps.apply = [this, swept](Storage& storage) { return SweepPart(storage, *swept); };
  steps.publish = [this, swept] {
    if (!swept->dead_letters.empty()) callbacks_.dead_letters_removed(swept->dead_letters);
    callbacks_.rejected_callbacks_removed(swept->rejected_callbacks);
  };
  steps.finish = [this, swept](const absl::Status& status) {
    const auto dead_letters = static_cast<int64_t>(swept->dead_letters.size());
    if (status.ok() && dead_letters > 0) {
      log_->Warning("store", "dead letters beyond their limits were removed",
                    {{"dead_letters", dead_letters}});
    }
    const bool more = orphans_ || std::max({dead_letters, swept->nonces,
                                            swept->rejected_callbacks.total()}) >= kRowsInOneCommit;
    if (status.ok() && more) return Sweep();
    sweeping_ = false;
  };
  Submit(*commits_, std::move(steps), CommitQueue::Urgency::kMayLinger);
}

absl::Status Housekeeping::SweepPart(Storage& storage, Swept& swept) {
  const std::shared_ptr<const RetentionOptions> options = options_.Get();
  const std::shared_ptr<const QuarantineOptions> quarantine = quarantine_.Get();
  const absl::Time now = clock_->Now();
  absl::Status status =
      storage.ForgetIdentities(now - options->deduplication_window, kRowsInOneCommit);
  if (!status.ok()) return status;
  const absl::StatusOr<int64_t> nonces = storage.nonces().Forget(now, kRowsInOneCommit);
  if (!nonces.ok()) return nonces.status();
  swept.nonces = *nonces;
  const absl::StatusOr<TrimmedCallbacks> rejected_callbacks =
      storage.quarantine().Trim(now - quarantine->age, quarantine->bytes, kRowsInOneCommit);
  if (!rejected_callbacks.ok()) return rejected_callbacks.status();
  swept.rejected_callbacks = *rejected_callbacks;
  const absl::StatusOr<bool> more = storage.RemoveOrphans(kRowsInOneCommit);
  if (!more.ok()) return more.status();
  orphans_ = *more;
  return SweepDeadLetters(*options, now, storage, swept);
}

absl::Status Housekeeping::SweepDeadLetters(const RetentionOptions& options, absl::Time now,
                                            Storage& storage, Swept& swept) {
  if (!options.dead_letters_age.has_value() && !options.dead_letters_bytes.has_value()) {
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<DeadLetterName>> names = storage.TrimDeadLetters(
      now - options.dead_letters_age.value_or(absl::InfiniteDuration()),
      options.dead_letters_bytes.value_or(std::numeric_limits<int64_t>::max()), kRowsInOneCommit);
  if (!names.ok()) return names.status();
  swept.dead_letters = *std::move(names);
  return absl::OkStatus();
}

}  // namespace onhook
