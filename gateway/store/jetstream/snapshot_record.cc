#include "gateway/store/jetstream/snapshot_record.h"

#include "absl/time/time.h"
#include "gateway/store/jetstream/runs.h"

namespace onhook {

using jetstream::SubscriptionChange;

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
