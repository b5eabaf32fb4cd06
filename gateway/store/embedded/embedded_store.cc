#include "gateway/store/embedded/embedded_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/store/embedded/ancestry.h"
#include "gateway/store/embedded/commit_and_wait.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/subscription_refusals.h"

namespace onhook {
namespace {

using Origin = SubscriptionRecord::Origin;

constexpr absl::Duration kHousekeepingInterval = absl::Seconds(1);

SubscriptionInfo InfoOf(const EmbeddedQueue& queue) {
  const SubscriptionRecord record = queue.record();
  return {record.name, record.spec, record.origin == Origin::kDeclared, record.paused,
          record.created_at};
}

CommitQueueOptions CommitsOf(const EmbeddedStoreOptions& options) {
  CommitQueueOptions commits = options.commits;
  commits.by_hand = options.by_hand != nullptr;
  return commits;
}

absl::Status Check(const std::string& name, const v1::SubscriptionSpec& spec) {
  absl::Status status = CheckSubscriptionName(name);
  return status.ok() ? CheckSubscriptionSpec(spec) : status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> EmbeddedStore::Open(std::unique_ptr<Storage> storage,
                                                           v1::DurabilityClass durability_class,
                                                           const EmbeddedStoreOptions& options,
                                                           const Clock* clock, const Log* log,
                                                           CommitQueue::Fatal fatal) {
  absl::StatusOr<RecoveredState> recovered = storage->Recover();
  if (!recovered.ok()) return recovered.status();
  if (!recovered->ancestors.empty()) TellOrigin(recovered->ancestors.back(), *log);
  return std::unique_ptr<Store>(new EmbeddedStore(std::move(storage), *std::move(recovered),
                                                  durability_class, options, clock, log,
                                                  std::move(fatal)));
}

EmbeddedStore::EmbeddedStore(std::unique_ptr<Storage> storage, RecoveredState recovered,
                             v1::DurabilityClass durability_class,
                             const EmbeddedStoreOptions& options, const Clock* clock,
                             const Log* log, CommitQueue::Fatal fatal)
    : storage_(std::move(storage)),
      store_id_(recovered.store_id),
      ancestors_(recovered.ancestors),
      durability_class_(durability_class),
      options_(options),
      clock_(clock),
      cautious_clock_(clock),
      log_(log),
      last_signalled_(recovered.last),
      housekept_(clock->Elapsed()),
      commits_(storage_.get(), clock, CommitsOf(options),
               {[this](Storage& rows) { return event_log_.WriteForwarded(rows); },
                [this] { BatchDone(); }},
               std::move(fatal)),
      reader_(options.max_pending_reads, options.by_hand != nullptr),
      free_disk_(options.minimum_free_disk, options.free_disk, log,
                 [this] { return storage_->ReusableBytes(); }),
      copier_(storage_.get(), &free_disk_, clock),
      event_log_(storage_.get(), &commits_, &reader_, &free_disk_, clock, log, recovered,
                 {options.tail_bytes, options.retention.nonce_memory}),
      quarantine_(storage_.get(), &commits_, &reader_, &free_disk_, clock, log, options.quarantine),
      environment_{storage_.get(),   &event_log_, &commits_,          &reader_,           clock,
                   &cautious_clock_, log,         recovered.openings, &settled_listeners_},
      housekeeping_(options.retention, options.quarantine, HousekeepingCallbacks(), &event_log_,
                    &commits_, &cautious_clock_, log) {
  {
    absl::MutexLock lock(&queues_mutex_);
    for (SubscriptionRecord& record : recovered.subscriptions) {
      std::string name = record.name;
      queues_[std::move(name)] = std::make_shared<EmbeddedQueue>(std::move(record), &environment_);
    }
  }
  if (options_.by_hand == nullptr) {
    ticking_.emplace(options_.tick_interval, [this] { Tick(); });
  } else {
    *options_.by_hand = {[this] { return commits_.RunOne(); }, [this] { return reader_.RunOne(); },
                         [this] { Tick(); }};
  }
}

EmbeddedStore::~EmbeddedStore() { Close().IgnoreError(); }

void EmbeddedStore::SetLimits(const StoreLimits& limits) {
  free_disk_.SetMinimum(limits.minimum_free_disk);
  event_log_.SetNonceMemory(limits.retention.nonce_memory);
  quarantine_.SetMaxBytes(limits.quarantine.bytes);
  housekeeping_.SetLimits(limits.retention, limits.quarantine);
}

// -------------------------------------------------------------------------------------- finding

absl::StatusOr<EmbeddedStore::QueuePtr> EmbeddedStore::Find(const std::string& name) const {
  absl::MutexLock lock(&queues_mutex_);
  const auto it = queues_.find(name);
  if (it != queues_.end()) return it->second;
  return NoSuchSubscription(name);
}

std::vector<EmbeddedStore::QueuePtr> EmbeddedStore::Queues() const {
  absl::MutexLock lock(&queues_mutex_);
  std::vector<QueuePtr> queues;
  queues.reserve(queues_.size());
  for (const auto& [name, queue] : queues_) queues.push_back(queue);
  return queues;
}

absl::StatusOr<std::shared_ptr<SubscriptionQueue>> EmbeddedStore::FindQueue(
    const std::string& name) const {
  absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  return *std::move(queue);
}

absl::StatusOr<SubscriptionInfo> EmbeddedStore::GetSubscription(const std::string& name) const {
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  return InfoOf(**queue);
}

std::vector<SubscriptionInfo> EmbeddedStore::ListSubscriptions() const {
  std::vector<SubscriptionInfo> infos;
  for (const QueuePtr& queue : Queues()) infos.push_back(InfoOf(*queue));
  return infos;
}

std::vector<std::shared_ptr<SubscriptionQueue>> EmbeddedStore::ListQueues() const {
  const std::vector<QueuePtr> queues = Queues();
  return {queues.begin(), queues.end()};
}

StoreStats EmbeddedStore::Stats() const {
  StoreStats stats;
  stats.events = std::max<int64_t>(event_log_.last() - event_log_.first() + 1, 0);
  stats.bytes = storage_->SizeInBytes();
  stats.free_disk = free_disk_.free();
  stats.minimum_free_disk = free_disk_.minimum();
  stats.dead_letters_removed_by_age = dead_letters_removed_by_age_;
  stats.dead_letters_removed_by_size = dead_letters_removed_by_size_;
  return stats;
}

// ------------------------------------------------------------------------------------- changing

absl::StatusOr<std::shared_ptr<SubscriptionQueue>> EmbeddedStore::FindOrCreateQueue(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  if (absl::Status status = Check(name, spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) queue = Create(name, spec, Origin::kCreated);
  if (!queue.ok()) return queue.status();
  absl::Status same = CheckSameSpec(name, (*queue)->record().spec, spec);
  if (!same.ok()) return same;
  return *std::move(queue);
}

absl::StatusOr<SubscriptionInfo> EmbeddedStore::CreateSubscription(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  if (absl::Status status = Check(name, spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  if (Find(name).ok()) return SubscriptionExists(name);
  const absl::StatusOr<QueuePtr> queue = Create(name, spec, Origin::kCreated);
  if (!queue.ok()) return queue.status();
  return InfoOf(**queue);
}

absl::StatusOr<EmbeddedStore::QueuePtr> EmbeddedStore::Create(const std::string& name,
                                                              const v1::SubscriptionSpec& spec,
                                                              Origin origin) {
  absl::Status room = CheckSubscriptionCount(Queues().size(), options_.max_subscriptions);
  if (!room.ok()) return room;
  changing_ = true;
  const auto changed = absl::MakeCleanup([this] { changing_ = false; });
  SubscriptionRecord record;
  record.name = name;
  record.spec = spec;
  record.origin = origin;
  record.epoch = RandomBits();
  record.created_at = clock_->Now();
  record.last_used_at = cautious_clock_.Latest();
  QueuePtr queue;
  const bool at_end = spec.start_position() == v1::START_POSITION_LATEST;
  const auto apply = [&](Storage& storage) {
    record.start = record.floor = at_end ? event_log_.last() : event_log_.first() - 1;
    const absl::StatusOr<int64_t> id = storage.InsertSubscription(record);
    if (id.ok()) record.id = *id;
    return id.status();
  };
  // Before anything that is committed later is signalled.
  const auto publish = [&] {
    queue = std::make_shared<EmbeddedQueue>(record, &environment_);
    absl::MutexLock lock(&queues_mutex_);
    queues_[name] = queue;
  };
  const absl::Status created = CommitAndWait(commits_, apply, publish);
  if (!created.ok()) return created;
  Tell("subscription created", name);
  return queue;
}

absl::StatusOr<SubscriptionInfo> EmbeddedStore::UpdateSubscription(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  if (absl::Status status = CheckSubscriptionSpec(spec); !status.ok()) return status;
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  const SubscriptionRecord record = (*queue)->record();
  absl::Status status = CheckUpdate(name, record.origin == Origin::kDeclared, record.spec, spec);
  if (status.ok()) status = Change(*queue, spec, record.origin);
  if (!status.ok()) return status;
  return InfoOf(**queue);
}

absl::Status EmbeddedStore::Change(const QueuePtr& queue, const v1::SubscriptionSpec& spec,
                                   Origin origin) {
  const SubscriptionRecord before = queue->record();
  const bool same = before.spec.SerializeAsString() == spec.SerializeAsString();
  if (same && before.origin == origin) return absl::OkStatus();
  const absl::Status changed = CommitAndWait(
      commits_,
      [&](Storage& storage) {
        SubscriptionRecord record = queue->record();
        record.spec = spec;
        record.origin = origin;
        return storage.UpdateSubscription(record);
      },
      [&] { queue->Apply(spec, origin); });
  if (changed.ok()) {
    Tell(origin == Origin::kOnceDeclared && before.origin == Origin::kDeclared
             ? "subscription is declared no more; it stays, as if created by a call"
             : "subscription changed",
         queue->name());
  }
  return changed;
}

void EmbeddedStore::Tell(absl::string_view what, const std::string& name) const {
  if (options_.tells_of_subscriptions) log_->Info("store", what, {{"subscription", name}});
}

absl::Status EmbeddedStore::SetPaused(const std::string& name, bool paused) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  const absl::Status changed = CommitAndWait(
      commits_,
      [&](Storage& storage) {
        SubscriptionRecord record = (*queue)->record();
        record.paused = paused;
        return storage.UpdateSubscription(record);
      },
      [&] { (*queue)->ApplyPaused(paused); });
  if (changed.ok()) Tell(paused ? "subscription paused" : "subscription resumed", name);
  return changed;
}

absl::Status EmbeddedStore::Seek(const std::string& name, Sequence after) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  changing_ = true;
  const auto changed = absl::MakeCleanup([this] { changing_ = false; });
  bool in_range = true;
  const absl::Status moved = CommitAndWait(
      commits_,
      [&](Storage& storage) {
        const absl::StatusOr<bool> written = (*queue)->WriteSeek(after, storage);
        if (written.ok()) in_range = *written;
        return written.status();
      },
      [&] {
        if (in_range) (*queue)->ApplySeek();
      });
  if (moved.ok() && in_range) Tell("subscription sent to another place", name);
  if (!moved.ok() || in_range) return moved;
  return PlaceNotKept();
}

absl::Status EmbeddedStore::DeleteSubscription(const std::string& name) {
  absl::MutexLock changing(&changing_mutex_);
  const absl::StatusOr<QueuePtr> queue = Find(name);
  if (!queue.ok()) return queue.status();
  if ((*queue)->record().origin == Origin::kDeclared) return SubscriptionBelongsToSettings(name);
  return Delete(*queue);
}

absl::Status EmbeddedStore::Delete(const QueuePtr& queue) {
  const absl::Status deleted = CommitAndWait(
      commits_, [&](Storage& storage) { return storage.DeleteSubscription(queue->record().id); },
      [&] {
        absl::MutexLock lock(&queues_mutex_);
        queues_.erase(queue->name());
      });
  if (!deleted.ok()) return deleted;
  queue->ApplyDeletion();
  Tell("subscription deleted", queue->name());
  housekeeping_.SubscriptionDeleted();
  return absl::OkStatus();
}

absl::Status EmbeddedStore::Declare(const std::vector<Declaration>& declarations) {
  absl::MutexLock changing(&changing_mutex_);
  std::set<std::string> declared;
  for (const Declaration& declaration : declarations) {
    declared.insert(declaration.name);
    absl::Status status = Check(declaration.name, declaration.spec);
    const absl::StatusOr<QueuePtr> queue = Find(declaration.name);
    if (status.ok() && queue.ok()) {
      status = Change(*queue, declaration.spec, Origin::kDeclared);
    } else if (status.ok()) {
      status = Create(declaration.name, declaration.spec, Origin::kDeclared).status();
    }
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat(declaration.name, ": ", status.message()));
    }
  }
  for (const QueuePtr& queue : Queues()) {
    const SubscriptionRecord record = queue->record();
    if (record.origin != Origin::kDeclared || declared.count(record.name) > 0) continue;
    absl::Status status = Change(queue, record.spec, Origin::kOnceDeclared);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// ----------------------------------------------------------------------------------- for receipts

void EmbeddedStore::AddSettledListener(SettledListener listener) {
  settled_listeners_.push_back(std::move(listener));
}

void EmbeddedStore::FindProcessed(Sequence sequence,
                                  std::function<void(absl::StatusOr<bool>)> done) {
  std::vector<int64_t> ids;
  for (const QueuePtr& queue : Queues()) {
    if (queue->IsSettled(sequence)) ids.push_back(queue->record().id);
  }
  const auto look = [this, sequence, ids, done](bool closing) {
    if (closing) return done(absl::UnavailableError("the store is closing"));
    for (const int64_t id : ids) {
      const absl::StatusOr<bool> processed = HasProcessed(id, sequence);
      if (!processed.ok() || *processed) return done(processed);
    }
    done(false);
  };
  if (!reader_.Run(look)) done(absl::UnavailableError("too many wait to read the store"));
}

void EmbeddedStore::FindProcessedBy(
    Sequence sequence, std::vector<std::string> subscriptions,
    std::function<void(absl::StatusOr<std::vector<std::string>>)> done) {
  const auto look = [this, sequence, subscriptions = std::move(subscriptions), done](bool closing) {
    if (closing) return done(absl::UnavailableError("the store is closing"));
    std::vector<std::string> processed_by;
    for (const std::string& name : subscriptions) {
      const absl::StatusOr<QueuePtr> queue = Find(name);
      if (!queue.ok()) continue;
      const absl::StatusOr<bool> processed = HasProcessed((*queue)->record().id, sequence);
      if (!processed.ok()) return done(processed.status());
      if (*processed) processed_by.push_back(name);
    }
    done(std::move(processed_by));
  };
  if (!reader_.Run(look)) done(absl::UnavailableError("too many wait to read the store"));
}

absl::StatusOr<bool> EmbeddedStore::HasProcessed(int64_t subscription_id, Sequence sequence) const {
  const absl::StatusOr<EventRows> rows = storage_->FindEventRows(subscription_id, sequence);
  if (!rows.ok()) return absl::InternalError(rows.status().message());
  return std::any_of(rows->settlements.begin(), rows->settlements.end(),
                     [](const SettlementRow& row) { return IsProcessed(row.kind); });
}

bool EmbeddedStore::ExcludedByAll(const v1::ReleaseEvent& event) const {
  absl::MutexLock lock(&queues_mutex_);
  return !queues_.empty() && std::all_of(queues_.begin(), queues_.end(), [&](const auto& entry) {
    return entry.second->Excludes(event);
  });
}

// --------------------------------------------------------------------------------- time and end

Housekeeping::Callbacks EmbeddedStore::HousekeepingCallbacks() {
  Housekeeping::Callbacks callbacks;
  callbacks.owed_floor = [this] {
    Sequence floor = event_log_.last();
    for (const QueuePtr& queue : Queues()) floor = std::min(floor, queue->floor());
    return floor;
  };
  callbacks.changing = [this] { return changing_.load(); };
  callbacks.journals = [this] {
    std::vector<std::pair<int64_t, int64_t>> journals;
    for (const QueuePtr& queue : Queues()) {
      const SubscriptionRecord record = queue->record();
      journals.emplace_back(record.id, record.epoch_number);
    }
    return journals;
  };
  callbacks.dead_letters_removed = [this](const std::vector<DeadLetterName>& names) {
    for (const DeadLetterName& name : names) {
      ++(name.by_age ? dead_letters_removed_by_age_ : dead_letters_removed_by_size_);
    }
    for (const QueuePtr& queue : Queues()) {
      const int64_t id = queue->record().id;
      for (const DeadLetterName& name : names) {
        if (name.subscription_id == id) queue->ForgetDeadLetter(name.sequence);
      }
    }
  };
  callbacks.rejected_callbacks_removed = [this](TrimmedCallbacks removed) {
    quarantine_.CountRemoved(removed);
  };
  return callbacks;
}

void EmbeddedStore::BatchDone() {
  event_log_.ForwardedWritten();
  const Sequence last = event_log_.last();
  if (last == last_signalled_) return;
  last_signalled_ = last;
  for (const QueuePtr& queue : Queues()) queue->TailGrew();
  event_log_.SignalTail();
}

void EmbeddedStore::Tick() {
  for (const QueuePtr& queue : Queues()) queue->Tick();
  if (clock_->Elapsed() - housekept_ < kHousekeepingInterval) return;
  housekept_ = clock_->Elapsed();
  free_disk_.Look();
  housekeeping_.Tick();
  DeleteUnused();
}

void EmbeddedStore::DeleteUnused() {
  for (const QueuePtr& queue : Queues()) {
    if (!queue->UnusedBeyondLimit().has_value()) continue;
    absl::MutexLock changing(&changing_mutex_);
    const std::optional<absl::Duration> unused = queue->UnusedBeyondLimit();
    if (!unused.has_value() || !Delete(queue).ok()) continue;
    log_->Warning("store", "a subscription that nobody used was deleted",
                  {{"subscription", queue->name()}, {"unused", absl::FormatDuration(*unused)}});
  }
}

absl::Status EmbeddedStore::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  copier_.Close();
  if (ticking_.has_value()) ticking_->Stop();
  reader_.Close();
  commits_.Close();
  return storage_->Close();
}

}  // namespace onhook
