// What a SubscriptionRegistry does without being asked: what the journal says, what was lost, what
// nobody uses any more.

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/subscription_registry.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChanges;

constexpr absl::Duration kBetweenLooks = absl::Milliseconds(200);
constexpr absl::string_view kLost =
    "the stream of events has lost its end: events that were stored are gone";

}  // namespace

void SubscriptionRegistry::Apply(int64_t place, const SubscriptionChanges& changes,
                                 int64_t number) {
  const std::string& name = changes.subscription();
  QueuePtr queue;
  bool opened = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = queues_.find(name);
    if (it != queues_.end()) queue = it->second;
    opened = opened_;
  }
  if (queue != nullptr) {
    if (!queue->Apply(place, changes, number)) return;
    {
      absl::MutexLock lock(&mutex_);
      queues_.erase(name);
      may_be_orphans_ = true;
    }
    if (number == 0) return;
    // What is left says that it was deleted.
    const Subjects& subjects = *environment_.subjects;
    environment_.api->Purge(subjects.state_stream(), place, subjects.State(name),
                            [](const absl::Status&) {});
    return;
  }
  queue = JetStreamQueue::FromRecord(place, changes, &environment_);
  if (queue == nullptr) return;
  {
    absl::MutexLock lock(&mutex_);
    queues_[name] = queue;
  }
  if (opened) queue->Open();
}

void SubscriptionRegistry::Open() {
  {
    absl::MutexLock lock(&mutex_);
    opened_ = true;
  }
  for (const QueuePtr& queue : Queues()) queue->Open();
}

void SubscriptionRegistry::Tick() {
  for (const QueuePtr& queue : Queues()) queue->Tick();
}

// What the journal tells of was in the stream of events before. Sequences that are lost are
// nobody's until a gateway appends, which looks first.
absl::Status SubscriptionRegistry::LookForLoss() {
  const std::string events = environment_.subjects->events_stream();
  const std::vector<QueuePtr> queues = Queues();
  const absl::Duration until = environment_.clock->Elapsed() + LossDoubt::kDoubt;
  absl::StatusOr<StreamInfo> info;
  while (true) {
    info = AwaitAnswer<StreamInfo>(
        [&](auto done) { environment_.api->GetStream(events, std::move(done)); });
    if (!info.ok()) return absl::UnavailableError(info.status().message());
    if (std::none_of(queues.begin(), queues.end(), [&info](const QueuePtr& queue) {
          return queue->KnowsBehind(info->last_sequence);
        })) {
      return absl::OkStatus();
    }
    if (environment_.clock->Elapsed() > until) break;
    absl::SleepFor(kBetweenLooks);
  }
  environment_.log->Error("store", kLost,
                          {{"stream", events}, {"newest_kept", info->last_sequence}});
  NoteLoss(info->last_sequence, {});
  return absl::OkStatus();
}

void SubscriptionRegistry::NoteLoss(Sequence kept, const SequenceMarks::Mark& lost) {
  LossDoubt::Loss loss{kept, lost, {}};
  for (const QueuePtr& queue : Queues()) {
    loss.epoch_numbers[queue->name()] = queue->record().epoch_number;
  }
  absl::MutexLock lock(&mutex_);
  loss_doubt_.Note(std::move(loss), environment_.clock->Elapsed());
}

void SubscriptionRegistry::RecoverFromLoss() {
  std::optional<LossDoubt::Loss> loss;
  {
    absl::MutexLock lock(&mutex_);
    loss = loss_doubt_.noted();
  }
  if (!loss.has_value()) return;
  const absl::StatusOr<bool> back =
      IsThere(*environment_.api, environment_.subjects->events_stream(), loss->lost);
  if (!back.ok()) return;
  LossDoubt::Verdict verdict{};
  {
    absl::MutexLock lock(&mutex_);
    verdict = loss_doubt_.Judge(*back, environment_.clock->Elapsed());
  }
  if (verdict == LossDoubt::Verdict::kWait) return;
  if (verdict == LossDoubt::Verdict::kNoLoss) {
    environment_.log->Info("store", "the stream of events has what it seemed to have lost",
                           {{"sequence", loss->lost.sequence}});
  } else if (!SendBack(*loss)) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  loss_doubt_.Forget(*loss);
}

bool SubscriptionRegistry::SendBack(const LossDoubt::Loss& loss) {
  if (loss.lost.sequence > 0) {
    environment_.log->Error("store", kLost,
                            {{"stream", environment_.subjects->events_stream()},
                             {"newest_known", loss.lost.sequence},
                             {"newest_kept", loss.kept}});
  }
  bool done = true;
  for (const auto& [name, epoch_number] : loss.epoch_numbers) {
    absl::MutexLock changing(&changing_mutex_);
    const absl::StatusOr<QueuePtr> queue = Find(name);
    // Whoever sent it elsewhere since has done what is to be done.
    if (!queue.ok() || (*queue)->record().epoch_number != epoch_number) continue;
    const Sequence after = std::min((*queue)->floor(), loss.kept);
    const absl::Status moved = Move(*queue, after, loss.kept);
    done = done && (moved.ok() || (*queue)->record().epoch_number != epoch_number);
    if (moved.ok()) {
      environment_.log->Error("store", "a subscription goes back to what the stream has kept",
                              {{"subscription", name}, {"after", after}});
    }
  }
  return done;
}

void SubscriptionRegistry::Doubt() {
  for (const QueuePtr& queue : Queues()) queue->Doubt();
}

void SubscriptionRegistry::Close() {
  for (const QueuePtr& queue : Queues()) queue->Close();
}

// --------------------------------------------------------------------------------- tidying up

void SubscriptionRegistry::DeleteUnused() {
  for (const QueuePtr& queue : Queues()) {
    if (!queue->UnusedBeyondLimit().has_value()) continue;
    absl::MutexLock changing(&changing_mutex_);
    // What others have told of its use may not have been heard yet.
    const absl::Status current = AwaitStatus([&](JetStreamApi::DoneStatus done) {
      environment_.journal->EnsureCurrent(queue->name(), std::move(done));
    });
    const std::optional<absl::Duration> unused = queue->UnusedBeyondLimit();
    if (!current.ok() || !unused.has_value() || !Remove(queue).ok()) continue;
    environment_.log->Warning(
        "store", "a subscription that nobody used was deleted",
        {{"subscription", queue->name()}, {"unused", absl::FormatDuration(*unused)}});
  }
}

void SubscriptionRegistry::RemoveOrphans() {
  {
    absl::MutexLock lock(&mutex_);
    if (!std::exchange(may_be_orphans_, false)) return;
  }
  const Subjects& subjects = *environment_.subjects;
  const std::string stream = subjects.dead_stream();
  const absl::StatusOr<StreamInfo> info = AwaitAnswer<StreamInfo>(
      [&](auto done) { environment_.api->GetStream(stream, std::move(done)); });
  const auto found = AwaitAnswer<std::vector<std::string>>(
      [&](auto done) { environment_.api->ListSubjects(stream, std::move(done)); });
  // Whoever was created before that is known then.
  const absl::Status current = AwaitStatus([&](JetStreamApi::DoneStatus done) {
    environment_.journal->EnsureAllCurrent(std::move(done));
  });
  if (!info.ok() || !found.ok() || !current.ok()) return NoteOrphans();
  std::set<std::string> known;
  for (const QueuePtr& queue : Queues()) {
    known.insert({subjects.Dead(queue->name()), subjects.Redriven(queue->name())});
  }
  std::vector<std::string> orphans;
  for (const std::string& subject : *found) {
    if (known.count(subject) == 0) orphans.push_back(subject);
  }
  if (!PurgeDead(orphans, info->last_sequence)) NoteOrphans();
}

}  // namespace onhook
