#include "gateway/store/embedded/embedded_store.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/subscription_spec.h"

namespace onhook {
namespace {

uint64_t RandomEpoch() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

// Makes a subscription durable and says so to the one thread that waits for it.
class EmbeddedStore::CreateOperation final : public CommitOperation {
 public:
  CreateOperation(EmbeddedLog* event_log, SubscriptionRecord* record, absl::Status* result,
                  absl::Notification* finished)
      : event_log_(event_log), record_(record), result_(result), finished_(finished) {}

  size_t bytes() const override { return 512; }
  absl::Status Apply(Storage& storage) override {
    if (record_->spec.start_position() == v1::START_POSITION_LATEST) {
      record_->start = record_->floor = event_log_->last();
    }
    const absl::StatusOr<int64_t> id = storage.InsertSubscription(*record_);
    if (id.ok()) record_->id = *id;
    return id.status();
  }
  void Finish(const absl::Status& status) override {
    *result_ = status;
    finished_->Notify();
  }

 private:
  EmbeddedLog* const event_log_;
  SubscriptionRecord* const record_;
  absl::Status* const result_;
  absl::Notification* const finished_;
};

absl::StatusOr<std::unique_ptr<Store>> EmbeddedStore::Open(std::unique_ptr<Storage> storage,
                                                           v1::DurabilityClass durability_class,
                                                           const EmbeddedStoreOptions& options,
                                                           const Clock* clock, const Log* log,
                                                           CommitQueue::Fatal fatal) {
  absl::StatusOr<RecoveredState> recovered = storage->Recover();
  if (!recovered.ok()) return recovered.status();
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
      durability_class_(durability_class),
      clock_(clock),
      log_(log),
      last_signalled_(recovered.last),
      commits_(storage_.get(), clock, options.commits,
               {[this](Storage& rows) { return event_log_.WriteForwarded(rows); },
                [this] { BatchDone(); }},
               std::move(fatal)),
      reader_(options.max_pending_reads),
      event_log_(storage_.get(), &commits_, &reader_, clock, log, recovered, options.tail_bytes) {
  absl::MutexLock lock(&queues_mutex_);
  for (SubscriptionRecord& record : recovered.subscriptions) AddQueue(std::move(record));
}

EmbeddedStore::~EmbeddedStore() { Close().IgnoreError(); }

absl::StatusOr<SubscriptionQueue*> EmbeddedStore::FindQueue(const std::string& name) {
  absl::MutexLock lock(&queues_mutex_);
  const auto it = queues_.find(name);
  if (it == queues_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no subscription '", name, "'"));
  }
  return it->second.get();
}

absl::StatusOr<SubscriptionQueue*> EmbeddedStore::FindOrCreateQueue(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  if (absl::Status status = CheckSubscriptionName(name); !status.ok()) return status;
  if (absl::Status status = CheckSubscriptionSpec(spec); !status.ok()) return status;
  absl::MutexLock creating(&creating_mutex_);
  {
    absl::MutexLock lock(&queues_mutex_);
    const auto it = queues_.find(name);
    if (it != queues_.end()) {
      if (SameSubscriptionSpec(it->second->spec(), spec)) return it->second.get();
      return absl::FailedPreconditionError(
          absl::StrCat("subscription '", name, "' exists with another specification"));
    }
  }
  SubscriptionRecord record;
  record.name = name;
  record.spec = spec;
  record.epoch = RandomEpoch();
  record.created_at = clock_->Now();
  absl::Status result;
  absl::Notification finished;
  commits_.Submit(std::make_unique<CreateOperation>(&event_log_, &record, &result, &finished),
                  CommitQueue::Urgency::kNow);
  finished.WaitForNotification();
  if (!result.ok()) return result;
  absl::MutexLock lock(&queues_mutex_);
  return AddQueue(std::move(record));
}

EmbeddedQueue* EmbeddedStore::AddQueue(SubscriptionRecord record) {
  std::string name = record.name;
  auto queue =
      std::make_unique<EmbeddedQueue>(std::move(record), &event_log_, &commits_, clock_, log_);
  return queues_.emplace(std::move(name), std::move(queue)).first->second.get();
}

void EmbeddedStore::BatchDone() {
  event_log_.ForwardedWritten();
  const Sequence last = event_log_.last();
  if (last == last_signalled_) return;
  last_signalled_ = last;
  std::vector<EmbeddedQueue*> queues;
  {
    absl::MutexLock lock(&queues_mutex_);
    queues.reserve(queues_.size());
    for (const auto& [name, queue] : queues_) queues.push_back(queue.get());
  }
  for (EmbeddedQueue* queue : queues) queue->TailGrew();
  event_log_.SignalTail();
}

absl::Status EmbeddedStore::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  reader_.Close();
  commits_.Close();
  return storage_->Close();
}

}  // namespace onhook
