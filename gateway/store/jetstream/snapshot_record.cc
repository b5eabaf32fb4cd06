#include "gateway/store/jetstream/snapshot_record.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "gateway/store/jetstream/runs.h"

namespace onhook {

using jetstream::SubscriptionChange;

namespace {

// Up to what is no letter, if there is such: then false.
bool Read(const SubscriptionChange::Letters& columns, Letters& letters) {
  const int rows =
      std::min({columns.sequences_size(), columns.dead_letter_ids_size(), columns.copies_size()});
  // A sequence is a stream's, so far below this.
  constexpr int64_t kMost = int64_t{1} << 62;
  Sequence sequence = 0;
  int64_t id = 0;
  for (int i = 0; i < rows; ++i) {
    const int64_t to_id = columns.dead_letter_ids(i);
    if (columns.sequences(i) <= 0 || columns.sequences(i) > kMost - sequence ||
        to_id > kMost - id || to_id <= -id) {
      return false;
    }
    sequence += columns.sequences(i);
    id += to_id;
    letters[sequence] = {id, columns.copies(i)};
  }
  return rows == columns.sequences_size() && rows == columns.dead_letter_ids_size() &&
         rows == columns.copies_size();
}

}  // namespace

Letters LettersOf(const SubscriptionChange::Snapshot& snapshot) {
  Letters letters;
  for (const auto& letter : snapshot.dead_letters()) {
    letters[letter.sequence()] = {letter.dead_letter_id(), letter.copy()};
  }
  Read(snapshot.letters(), letters);
  return letters;
}

bool AreLetters(const SubscriptionChange::Letters& columns) {
  Letters letters;
  return Read(columns, letters);
}

LostEvents LostEventsOf(const SubscriptionChange::Snapshot& snapshot) {
  LostEvents lost;
  lost.epoch_number = snapshot.loss_epoch_number();
  lost.kept = snapshot.lost_behind();
  for (const int64_t id : snapshot.letters_of_lost_events()) {
    if (id > 0) lost.letters.insert(id);
  }
  return lost;
}

void EncodeLostEvents(const LostEvents& lost, SubscriptionChange::Snapshot& to) {
  to.set_loss_epoch_number(lost.epoch_number);
  to.set_lost_behind(lost.kept);
  for (const int64_t id : lost.letters) to.add_letters_of_lost_events(id);
}

void EncodeLetters(const Letters& letters, SubscriptionChange::Letters& to) {
  Sequence before = 0;
  int64_t id = 0;
  for (const auto& [sequence, letter] : letters) {
    to.add_sequences(sequence - std::exchange(before, sequence));
    to.add_dead_letter_ids(letter.id - std::exchange(id, letter.id));
    to.add_copies(letter.copy);
  }
}

Trials TrialsOf(const SubscriptionChange::Failed& failed) {
  Trials trials;
  trials.attempts = failed.attempts();
  trials.first_attempt_at = absl::FromUnixMicros(failed.first_attempt_at_us());
  trials.retry_at = absl::FromUnixMicros(failed.retry_at_us());
  return trials;
}

SubscriptionRecord RecordOf(const SubscriptionChange::Snapshot& snapshot) {
  SubscriptionRecord record;
  record.spec = snapshot.spec();
  record.origin = static_cast<SubscriptionRecord::Origin>(snapshot.origin());
  record.paused = snapshot.paused();
  record.created_at = absl::FromUnixMicros(snapshot.created_at_us());
  record.last_used_at = absl::FromUnixMicros(snapshot.last_used_at_us());
  record.epoch = snapshot.epoch();
  record.epoch_number = snapshot.epoch_number();
  record.start = snapshot.start();
  record.floor = snapshot.floor();
  record.replayed_through = snapshot.replayed_through();
  record.dropped_by_limit = snapshot.dropped_by_limit();
  record.settled = DecodeRuns(snapshot.settled());
  for (const auto& failed : snapshot.tried()) record.tried[failed.sequence()] = TrialsOf(failed);
  return record;
}

}  // namespace onhook
