#include "gateway/store/jetstream/subscription_registry.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/subscription_refusals.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;

// As of the other engines: each costs every gateway memory and the servers two consumers.
constexpr size_t kMostSubscriptions = 1000;

SubscriptionInfo InfoOf(const JetStreamQueue& queue) {
  const SubscriptionRecord record = queue.record();
  return {record.name, record.spec, record.origin == SubscriptionRecord::Origin::kDeclared,
          record.paused, record.created_at};
}

absl::Status Check(const std::string& name, const v1::SubscriptionSpec& spec) {
  absl::Status status = CheckSubscriptionName(name);
  if (status.ok()) status = CheckSubscriptionSpec(spec);
  if (status.ok() && RulesOf(spec, false).backlog_bytes.has_value()) {
    return absl::UnimplementedError(
        "spec.backlog_limit.bytes: JetStream does not tell how many bytes a subscription owes; "
        "limit the backlog by age");
  }
  return status;
}

}  // namespace

// -------------------------------------------------------------------------------------- finding

std::vector<SubscriptionRegistry::QueuePtr> SubscriptionRegistry::Queues() const {
  absl::MutexLock lock(&mutex_);
  std::vector<QueuePtr> queues;
  queues.reserve(queues_.size());
  for (const auto& [name, queue] : queues_) queues.push_back(queue);
  return queues;
}

absl::StatusOr<SubscriptionRegistry::QueuePtr> SubscriptionRegistry::Find(
    const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = queues_.find(name);
  if (it != queues_.end()) return it->second;
  return NoSuchSubscription(name);
}

absl::StatusOr<SubscriptionInfo> SubscriptionRegistry::Get(const std::string& name) const {
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  return InfoOf(**queue);
}

std::vector<SubscriptionInfo> SubscriptionRegistry::List() const {
  std::vector<SubscriptionInfo> infos;
  for (const QueuePtr& queue : Queues()) infos.push_back(InfoOf(*queue));
  return infos;
}

bool SubscriptionRegistry::ExcludedByAll(const v1::ReleaseEvent& event) const {
  absl::MutexLock lock(&mutex_);
  return !queues_.empty() && std::all_of(queues_.begin(), queues_.end(), [&](const auto& entry) {
    return entry.second->Excludes(event);
  });
}

// ------------------------------------------------------------------------------------- changing

absl::Status SubscriptionRegistry::Write(const std::string& name,
                                         const std::function<void(SubscriptionChange&)>& fill) {
  SubscriptionChanges changes;
  changes.set_subscription(name);
  changes.set_number(environment_.journal->NextNumber());
  SubscriptionChange& change = *changes.add_changes();
  change.set_at_us(absl::ToUnixMicros(environment_.cautious_clock->Latest()));
  fill(change);
  struct Outcome {
    absl::Status status;
    SteadyNotification known;
  };
  const auto outcome = std::make_shared<Outcome>();
  environment_.journal->Write(std::move(changes), [outcome](const absl::Status& status) {
    outcome->status = status;
    outcome->known.Notify();
  });
  if (!outcome->known.WaitFor(kMostRequestTimes * environment_.options->nats.request_timeout)) {
    return absl::UnavailableError("the servers did not tell in time what came of it");
  }
  const absl::Status& status = outcome->status;
  return absl::IsDeadlineExceeded(status) ? absl::UnavailableError(status.message()) : status;
}

absl::Status SubscriptionRegistry::MakeConsumer(const std::string& stream,
                                                const ConsumerConfig& config) {
  const absl::Status made = AwaitAnswer<ConsumerInfo>([&](auto done) {
                              environment_.api->CreateConsumer(stream, config, std::move(done));
                            }).status();
  if (absl::IsDeadlineExceeded(made)) return absl::UnavailableError(made.message());
  return made;
}

void SubscriptionRegistry::RemoveConsumer(const std::string& stream, const std::string& consumer) {
  environment_.api->DeleteConsumer(stream, consumer, [](const absl::Status&) {});
}

absl::StatusOr<SubscriptionRegistry::QueuePtr> SubscriptionRegistry::FindOrCreateQueue(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  if (absl::Status status = Check(name, spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) queue = Make(name, spec, Origin::kCreated);
  // Another gateway may have been faster.
  if (absl::IsAlreadyExists(queue.status())) queue = Find(name);
  if (!queue.ok()) return queue.status();
  absl::Status same = CheckSameSpec(name, (*queue)->record().spec, spec);
  if (!same.ok()) return same;
  return *std::move(queue);
}

absl::StatusOr<SubscriptionInfo> SubscriptionRegistry::Create(const std::string& name,
                                                              const v1::SubscriptionSpec& spec) {
  if (absl::Status status = Check(name, spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  if (Find(name).ok()) return SubscriptionExists(name);
  const absl::StatusOr<QueuePtr> queue = Make(name, spec, Origin::kCreated);
  if (!queue.ok()) return queue.status();
  return InfoOf(**queue);
}

absl::StatusOr<SubscriptionRegistry::QueuePtr> SubscriptionRegistry::Make(
    const std::string& name, const v1::SubscriptionSpec& spec, Origin origin) {
  absl::Status room = CheckSubscriptionCount(Queues().size(), kMostSubscriptions);
  if (!room.ok()) return room;
  const uint64_t epoch = RandomBits();
  const std::string events = environment_.subjects->events_stream();
  const std::string dead = environment_.subjects->dead_stream();
  const absl::StatusOr<StreamInfo> info = AwaitAnswer<StreamInfo>(
      [&](auto done) { environment_.api->GetStream(events, std::move(done)); });
  if (!info.ok()) return absl::UnavailableError(info.status().message());
  const bool at_end = spec.start_position() == v1::START_POSITION_LATEST;
  // An empty stream begins at 0 or 1.
  const Sequence start =
      at_end ? info->last_sequence : std::max<Sequence>(info->first_sequence - 1, 0);
  const ConsumerConfig consumer =
      JetStreamQueue::EventsConsumer(name, epoch, start, spec, environment_);
  absl::Status made = MakeConsumer(events, consumer);
  if (made.ok()) {
    made = MakeConsumer(dead, JetStreamQueue::RedrivenConsumer(name, environment_));
  }
  if (!made.ok()) return made;
  const absl::Status written = Write(name, [&](SubscriptionChange& change) {
    SubscriptionChange::Created& created = *change.mutable_created();
    *created.mutable_spec() = spec;
    created.set_origin(static_cast<int32_t>(origin));
    created.set_epoch(epoch);
    created.set_start(start);
  });
  if (!written.ok()) return written;
  absl::StatusOr<QueuePtr> queue = Find(name);
  if (queue.ok() && (*queue)->record().epoch != epoch && (*queue)->record().epoch_number == 0) {
    RemoveConsumer(events, consumer.name);
    return absl::AlreadyExistsError(
        absl::StrCat("subscription '", name, "' was created by another gateway just now"));
  }
  if (queue.ok()) Tell("subscription created", name);
  return queue;
}

absl::StatusOr<SubscriptionInfo> SubscriptionRegistry::Update(const std::string& name,
                                                              const v1::SubscriptionSpec& spec) {
  if (absl::Status status = Check(name, spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  const SubscriptionRecord record = (*queue)->record();
  absl::Status status = CheckUpdate(name, record.origin == Origin::kDeclared, record.spec, spec);
  if (status.ok()) status = Respecify(*queue, spec, record.origin);
  if (!status.ok()) return status;
  return InfoOf(**queue);
}

absl::Status SubscriptionRegistry::Respecify(const QueuePtr& queue,
                                             const v1::SubscriptionSpec& spec, Origin origin) {
  const SubscriptionRecord before = queue->record();
  const bool same = before.spec.SerializeAsString() == spec.SerializeAsString();
  if (same && before.origin == origin) return absl::OkStatus();
  const absl::Status changed = Write(queue->name(), [&](SubscriptionChange& change) {
    *change.mutable_respecified()->mutable_spec() = spec;
    change.mutable_respecified()->set_origin(static_cast<int32_t>(origin));
  });
  if (changed.ok()) {
    Tell(origin == Origin::kOnceDeclared && before.origin == Origin::kDeclared
             ? "subscription is declared no more; it stays, as if created by a call"
             : "subscription changed",
         queue->name());
  }
  return changed;
}

absl::Status SubscriptionRegistry::SetPaused(const std::string& name, bool paused) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  const absl::Status changed =
      Write(name, [&](SubscriptionChange& change) { change.set_paused(paused); });
  if (changed.ok()) Tell(paused ? "subscription paused" : "subscription resumed", name);
  return changed;
}

absl::Status SubscriptionRegistry::Seek(const std::string& name, Sequence after) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  const EventLog& event_log = *environment_.event_log;
  if (after + 1 < event_log.first() || after > event_log.last()) {
    return PlaceNotKept();
  }
  const absl::Status moved = Move(*queue, after, std::nullopt);
  if (moved.ok()) Tell("subscription sent to another place", name);
  return moved;
}

absl::Status SubscriptionRegistry::Move(const QueuePtr& queue, Sequence after,
                                        std::optional<Sequence> lost_behind) {
  const std::string& name = queue->name();
  const SubscriptionRecord before = queue->record();
  const uint64_t epoch = RandomBits();
  const std::string events = environment_.subjects->events_stream();
  const absl::Status made = MakeConsumer(
      events, JetStreamQueue::EventsConsumer(name, epoch, after, before.spec, environment_));
  if (!made.ok()) return made;
  const absl::Status moved = Write(name, [&](SubscriptionChange& change) {
    change.set_epoch_number(before.epoch_number + 1);
    change.mutable_sought()->set_after(after);
    change.mutable_sought()->set_epoch(epoch);
    change.mutable_sought()->set_replayed_through(queue->seen_through());
    if (lost_behind.has_value()) change.mutable_sought()->set_lost_behind(*lost_behind);
  });
  if (!moved.ok()) return moved;
  const bool counts = queue->record().epoch == epoch;
  RemoveConsumer(events,
                 environment_.subjects->EventsConsumer(name, counts ? before.epoch : epoch));
  if (!counts) {
    return absl::UnavailableError("another gateway sent the subscription elsewhere just now");
  }
  return absl::OkStatus();
}

absl::Status SubscriptionRegistry::Delete(const std::string& name) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  if ((*queue)->record().origin == Origin::kDeclared) return SubscriptionBelongsToSettings(name);
  return Remove(*queue);
}

absl::Status SubscriptionRegistry::Remove(const QueuePtr& queue) {
  const std::string& name = queue->name();
  const uint64_t epoch = queue->record().epoch;
  const absl::Status deleted =
      Write(name, [](SubscriptionChange& change) { change.mutable_deleted(); });
  if (!deleted.ok()) return deleted;
  const Subjects& subjects = *environment_.subjects;
  RemoveConsumer(subjects.events_stream(), subjects.EventsConsumer(name, epoch));
  RemoveConsumer(subjects.dead_stream(), subjects.RedrivenConsumer(name));
  // Nothing refers to what is left of it.
  const absl::StatusOr<StreamInfo> dead = AwaitAnswer<StreamInfo>(
      [&](auto done) { environment_.api->GetStream(subjects.dead_stream(), std::move(done)); });
  if (!dead.ok() ||
      !PurgeDead({subjects.Dead(name), subjects.Redriven(name)}, dead->last_sequence)) {
    NoteOrphans();
  }
  Tell("subscription deleted", name);
  return absl::OkStatus();
}

// What a namesake parks from now on lies behind `through`.
bool SubscriptionRegistry::PurgeDead(const std::vector<std::string>& subjects, int64_t through) {
  bool all = true;
  for (const std::string& subject : subjects) {
    const absl::Status purged = AwaitStatus([&](JetStreamApi::DoneStatus done) {
      environment_.api->Purge(environment_.subjects->dead_stream(), through + 1, subject,
                              std::move(done));
    });
    all = all && purged.ok();
  }
  return all;
}

void SubscriptionRegistry::NoteOrphans() {
  absl::MutexLock lock(&mutex_);
  may_be_orphans_ = true;
}

absl::Status SubscriptionRegistry::Declare(const std::vector<Declaration>& declarations) {
  absl::MutexLock changing(&changing_mutex_);
  std::set<std::string> declared;
  for (const Declaration& declaration : declarations) {
    declared.insert(declaration.name);
    absl::Status status = Check(declaration.name, declaration.spec);
    absl::StatusOr<QueuePtr> queue = Find(declaration.name);
    if (status.ok() && !queue.ok()) {
      status = Make(declaration.name, declaration.spec, Origin::kDeclared).status();
      if (absl::IsAlreadyExists(status)) status = absl::OkStatus();
      queue = Find(declaration.name);
    }
    if (status.ok() && queue.ok()) {
      status = Respecify(*queue, declaration.spec, Origin::kDeclared);
    }
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat(declaration.name, ": ", status.message()));
    }
  }
  for (const QueuePtr& queue : Queues()) {
    const SubscriptionRecord record = queue->record();
    if (record.origin != Origin::kDeclared || declared.count(record.name) > 0) continue;
    absl::Status status = Respecify(queue, record.spec, Origin::kOnceDeclared);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SubscriptionRegistry::Tell(absl::string_view what, const std::string& name) const {
  environment_.log->Info("store", what, {{"subscription", name}});
}

}  // namespace onhook
