#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_

#include <cstdint>
#include <map>
#include <set>

#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/sequence.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// What a record of the journal says, in the words of the other engines. Blocking: never.

// A dead letter, redriven or not.
struct Letter {
  int64_t id = 0;    // its place in the stream of dead letters
  int64_t copy = 0;  // of what is owed again, there too; 0: it is not redriven

  friend bool operator==(const Letter& a, const Letter& b) {
    return a.id == b.id && a.copy == b.copy;
  }
};
using Letters = std::map<Sequence, Letter>;

// What the newest loss of events has left of them.
struct LostEvents {
  int64_t epoch_number = 0;  // of the seek that it made; 0: there was none
  Sequence kept = 0;
  // Dead letters whose events were lost, by id: their sequences are others' now.
  std::set<int64_t> letters;

  // Whether what is said of that epoch and that sequence is of an event that is gone, whoever has
  // the sequence now.
  bool Contains(int64_t epoch, Sequence sequence) const {
    return epoch < epoch_number && sequence > kept;
  }
};

// What is no such form is left out.
Letters LettersOf(const jetstream::SubscriptionChange::Snapshot& snapshot);
// Whether all of it is.
bool AreLetters(const jetstream::SubscriptionChange::Letters& columns);
LostEvents LostEventsOf(const jetstream::SubscriptionChange::Snapshot& snapshot);
void EncodeLostEvents(const LostEvents& lost, jetstream::SubscriptionChange::Snapshot& to);
void EncodeLetters(const Letters& letters, jetstream::SubscriptionChange::Letters& to);

// Without its name, which the record's subject says.
SubscriptionRecord RecordOf(const jetstream::SubscriptionChange::Snapshot& snapshot);

Trials TrialsOf(const jetstream::SubscriptionChange::Failed& failed);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_
