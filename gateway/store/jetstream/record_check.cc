#include "gateway/store/jetstream/record_check.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/snapshot_record.h"

namespace onhook {
namespace {

using Kind = SettlementRow::Kind;
using jetstream::SubscriptionChange;

// Sequences and places are a stream's, counts are of events: far below this.
constexpr int64_t kMost = int64_t{1} << 62;
// One record settles what was here to be settled, one by one.
constexpr int64_t kMostProcessed = int64_t{1} << 20;

// Finds the first field that cannot be.
class Checking {
 public:
  void Range(absl::string_view field, int64_t value, int64_t least) {
    if (value < least || value > kMost) Refuse(field, absl::StrCat(value));
  }
  template <typename Values>
  void Ranges(absl::string_view field, const Values& values, int64_t least) {
    for (const int64_t value : values) Range(field, value, least);
  }
  void Runs(absl::string_view field, const jetstream::Runs& runs) {
    if (!AreRuns(runs)) Refuse(field, "no runs");
  }
  void Refuse(absl::string_view field, absl::string_view what) {
    if (status_.ok()) status_ = absl::DataLossError(absl::StrCat(field, ": ", what));
  }
  absl::Status status() const { return status_; }

 private:
  absl::Status status_;
};

void Check(const SubscriptionChange::Settled& settled, Checking& checking) {
  checking.Runs("settled.sequences", settled.sequences());
  const bool is_kind = settled.kind() >= static_cast<int>(Kind::kAcked) &&
                       settled.kind() <= static_cast<int>(Kind::kPassedOver);
  if (!is_kind) checking.Refuse("settled.kind", absl::StrCat(settled.kind()));
  const auto kind = static_cast<Kind>(settled.kind());
  if (IsProcessed(kind) && DecodeRuns(settled.sequences()).size() > kMostProcessed) {
    checking.Refuse("settled.sequences", "too many");
  }
  if (kind != Kind::kParked && !settled.parked().empty()) {
    checking.Refuse("settled.parked", "of another kind");
  }
  for (const auto& parked : settled.parked()) {
    checking.Range("parked.sequence", parked.sequence(), 1);
    checking.Range("parked.dead_letter_id", parked.dead_letter_id(), 1);
    checking.Range("parked.attempt", parked.attempt(), 0);
  }
}

void Check(const SubscriptionChange::Failed& failed, Checking& checking) {
  checking.Range("failed.sequence", failed.sequence(), 1);
  checking.Range("failed.attempts", failed.attempts(), 0);
}

void Check(const SubscriptionChange::DeadLettersChanged& letters, Checking& checking) {
  checking.Ranges("dead_letters_changed.sequences", letters.sequences(), 0);
  checking.Ranges("dead_letters_changed.copies", letters.copies(), 1);
  checking.Ranges("dead_letters_changed.dead_letter_ids", letters.dead_letter_ids(), 0);
  checking.Ranges("dead_letters_changed.lost_copies", letters.lost_copies(), 1);
  const bool redriven = letters.kind() == v1::TimelineEntry::KIND_REDRIVEN;
  if (!redriven && letters.kind() != v1::TimelineEntry::KIND_DISCARDED) {
    checking.Refuse("dead_letters_changed.kind", absl::StrCat(letters.kind()));
  }
  // What is owed again is owed by its copy.
  if (letters.copies_size() != (redriven ? letters.sequences_size() : 0)) {
    checking.Refuse("dead_letters_changed.copies", absl::StrCat(letters.copies_size(), " of them"));
  }
}

void Check(const SubscriptionChange::Snapshot& snapshot, Checking& checking) {
  checking.Range("snapshot.epoch_number", snapshot.epoch_number(), 0);
  checking.Range("snapshot.start", snapshot.start(), 0);
  checking.Range("snapshot.floor", snapshot.floor(), 0);
  checking.Range("snapshot.replayed_through", snapshot.replayed_through(), 0);
  checking.Range("snapshot.dropped_by_limit", snapshot.dropped_by_limit(), 0);
  checking.Range("snapshot.replaced_place", snapshot.replaced_place(), 0);
  checking.Runs("snapshot.settled", snapshot.settled());
  checking.Runs("snapshot.processed", snapshot.processed());
  for (const auto& letter : snapshot.dead_letters()) {
    checking.Range("dead_letters.sequence", letter.sequence(), 1);
    checking.Range("dead_letters.dead_letter_id", letter.dead_letter_id(), 1);
    checking.Range("dead_letters.copy", letter.copy(), 0);
  }
  if (!AreLetters(snapshot.letters())) checking.Refuse("snapshot.letters", "no columns");
  checking.Ranges("letters.copies", snapshot.letters().copies(), 0);
  checking.Range("snapshot.loss_epoch_number", snapshot.loss_epoch_number(), 0);
  checking.Range("snapshot.lost_behind", snapshot.lost_behind(), 0);
  checking.Ranges("letters_of_lost_events", snapshot.letters_of_lost_events(), 1);
  for (const auto& failed : snapshot.tried()) Check(failed, checking);
}

void Check(const SubscriptionChange& change, Checking& checking) {
  checking.Range("epoch_number", change.epoch_number(), 0);
  switch (change.change_case()) {
    case SubscriptionChange::kCreated:
      return checking.Range("created.start", change.created().start(), 0);
    case SubscriptionChange::kSettled:
      return Check(change.settled(), checking);
    case SubscriptionChange::kFailed:
      return Check(change.failed(), checking);
    case SubscriptionChange::kSought:
      checking.Range("sought.after", change.sought().after(), 0);
      checking.Range("sought.replayed_through", change.sought().replayed_through(), 0);
      return checking.Range("sought.lost_behind", change.sought().lost_behind(), 0);
    case SubscriptionChange::kDeadLettersChanged:
      return Check(change.dead_letters_changed(), checking);
    case SubscriptionChange::kSnapshot:
      return Check(change.snapshot(), checking);
    case SubscriptionChange::kRespecified:
    case SubscriptionChange::kPaused:
    case SubscriptionChange::kDeleted:
    case SubscriptionChange::kUsed:
    case SubscriptionChange::CHANGE_NOT_SET:
      return;
  }
}

}  // namespace

absl::Status CheckRecord(const jetstream::SubscriptionChanges& changes) {
  Checking checking;
  for (const SubscriptionChange& change : changes.changes()) Check(change, checking);
  return checking.status();
}

}  // namespace onhook
