#include "gateway/store/embedded/commit_queue.h"

#include <algorithm>
#include <utility>

namespace onhook {
namespace {

// What this thread has submitted within Together().
struct Gathering {
  const CommitQueue* queue = nullptr;
  std::deque<std::unique_ptr<CommitOperation>> operations;
};
thread_local Gathering* gathering = nullptr;

}  // namespace

CommitQueue::CommitQueue(Storage* storage, const Clock* clock, CommitQueueOptions options,
                         Hooks hooks, Fatal fatal)
    : storage_(storage),
      clock_(clock),
      options_(options),
      hooks_(std::move(hooks)),
      fatal_(std::move(fatal)) {
  if (!options_.by_hand) background_ = std::thread([this] { RunBackground(); });
}

CommitQueue::~CommitQueue() { Close(); }

void CommitQueue::Submit(std::unique_ptr<CommitOperation> operation, Urgency urgency) {
  if (urgency == Urgency::kNow && gathering != nullptr && gathering->queue == this) {
    gathering->operations.push_back(std::move(operation));
    return;
  }
  Batch batch;
  bool taken = false;
  {
    absl::MutexLock lock(&mutex_);
    taken = HasRoom();
    if (taken) {
      if (urgency == Urgency::kMayLinger) {
        if (lingering_.empty()) linger_until_ = clock_->Elapsed() + options_.linger;
        lingering_.push_back(std::move(operation));
        if (!busy_ && MustWakeBackground()) background_wakes_.Signal();
        return;
      }
      urgent_.push_back(std::move(operation));
      if (!BeginLeading()) return;
      batch = TakeBatch();
    }
  }
  if (taken) {
    CommitOnce(std::move(batch));
  } else {
    // NOLINTNEXTLINE(bugprone-use-after-move): what was not taken was not moved
    Refuse(*operation);
  }
}

bool CommitQueue::HasRoom() const {
  return !closing_ && urgent_.size() + lingering_.size() < options_.max_pending;
}

void CommitQueue::Refuse(CommitOperation& operation) {
  operation.Finish(absl::UnavailableError("the store takes nothing more now"));
}

bool CommitQueue::BeginLeading() {
  // Maintenance that is due comes first; the queue's own thread does both then.
  if (busy_ || dead_ || maintenance_due_ || options_.by_hand || urgent_.empty()) return false;
  busy_ = true;
  return true;
}

void CommitQueue::Together(absl::FunctionRef<void()> work) {
  if (gathering != nullptr && gathering->queue == this) return work();
  Gathering gathered{this, {}};
  Gathering* const outer = std::exchange(gathering, &gathered);
  work();
  gathering = outer;
  Batch batch;
  bool leads = false;
  {
    absl::MutexLock lock(&mutex_);
    while (!gathered.operations.empty() && HasRoom()) {
      urgent_.push_back(std::move(gathered.operations.front()));
      gathered.operations.pop_front();
    }
    leads = BeginLeading();
    if (leads) batch = TakeBatch();
  }
  for (const auto& operation : gathered.operations) Refuse(*operation);
  while (leads && CommitOnce(std::move(batch), /*leads_on=*/true)) {
    absl::MutexLock lock(&mutex_);
    batch = TakeBatch();
  }
}

void CommitQueue::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    background_wakes_.Signal();
  }
  if (background_.joinable()) background_.join();
  while (by_hand() && RunOne()) {
  }
}

bool CommitQueue::RunOne() {
  absl::MutexLock lock(&mutex_);
  if (dead_ || !BackgroundHasWork()) return false;
  WorkInBackground();
  return true;
}

void CommitQueue::Hasten() {
  absl::MutexLock lock(&mutex_);
  if (lingering_.empty()) return;
  linger_until_ = absl::ZeroDuration();
  if (!busy_) background_wakes_.Signal();
}

CommitQueue::Batch CommitQueue::TakeBatch() {
  Batch batch;
  batch.operations.reserve(
      std::min(urgent_.size() + lingering_.size(), options_.max_batch_operations));
  size_t bytes = 0;
  for (Operations* operations : {&urgent_, &lingering_}) {
    while (!operations->empty() && batch.operations.size() < options_.max_batch_operations) {
      bytes += operations->front()->bytes();
      if (bytes > options_.max_batch_bytes && !batch.operations.empty()) return batch;
      batch.operations.push_back(std::move(operations->front()));
      operations->pop_front();
      if (operations == &urgent_) ++batch.urgent;
    }
  }
  return batch;
}

absl::Status CommitQueue::WriteAndCommit(const Batch& batch) {
  absl::Status status = storage_->Begin();
  if (!status.ok()) return status;
  for (const auto& operation : batch.operations) {
    status = operation->Apply(*storage_);
    if (!status.ok()) break;
  }
  if (status.ok()) status = hooks_.before_commit(*storage_);
  if (status.ok()) return storage_->Commit();
  storage_->Rollback();
  return status;
}

absl::Status CommitQueue::Commit(const Batch& batch) {
  const absl::Duration began = clock_->Elapsed();
  absl::Status status = WriteAndCommit(batch);
  options_.duration.Observe(absl::ToDoubleSeconds(clock_->Elapsed() - began));
  size_t events = 0;
  for (const auto& operation : batch.operations) events += operation->events();
  if (events > 0) options_.events.Observe(static_cast<double>(events));
  if (!status.ok()) options_.failures.Increment();
  return status;
}

bool CommitQueue::CommitOnce(Batch batch, bool leads_on) {
  const absl::Status status = Commit(batch);
  if (absl::IsDataLoss(status)) {
    fatal_(status);
    absl::MutexLock lock(&mutex_);
    dead_ = true;
    busy_ = false;
    background_wakes_.Signal();
    return false;
  }
  if (status.ok()) {
    for (const auto& operation : batch.operations) operation->Publish();
  }
  for (size_t i = 0; i < batch.urgent; ++i) batch.operations[i]->Finish(status);
  if (status.ok()) hooks_.batch_done();
  for (size_t i = batch.urgent; i < batch.operations.size(); ++i) {
    batch.operations[i]->Finish(status);
  }
  const bool maintenance_due = storage_->NeedsMaintenance();

  absl::MutexLock lock(&mutex_);
  maintenance_due_ = maintenance_due;
  if (leads_on && !maintenance_due_ && !urgent_.empty()) return true;
  busy_ = false;
  if (MustWakeBackground()) background_wakes_.Signal();
  return false;
}

void CommitQueue::Maintain() {
  const absl::Status status = storage_->Maintain();
  if (absl::IsDataLoss(status)) fatal_(status);
  absl::MutexLock lock(&mutex_);
  dead_ = dead_ || absl::IsDataLoss(status);
  busy_ = false;
  maintenance_due_ = false;
}

bool CommitQueue::BackgroundHasWork() const {
  if (busy_) return false;
  if (maintenance_due_ || !urgent_.empty()) return true;
  return !lingering_.empty() && (closing_ || clock_->Elapsed() >= linger_until_);
}

// Of what lingers most goes along with what is urgent, so it does not wake a thread each time.
bool CommitQueue::MustWakeBackground() const {
  if (maintenance_due_ || closing_ || !urgent_.empty()) return true;
  return !lingering_.empty() && linger_until_ < background_looks_;
}

void CommitQueue::RunBackground() {
  mutex_.Lock();
  while (!dead_) {
    if (!BackgroundHasWork()) {
      if (closing_ && !busy_) break;
      if (busy_ || lingering_.empty()) {
        background_wakes_.Wait(&mutex_);
      } else {
        background_looks_ = linger_until_;
        background_wakes_.WaitFor(&mutex_, linger_until_ - clock_->Elapsed());
        background_looks_ = absl::InfiniteDuration();
      }
      continue;
    }
    WorkInBackground();
  }
  mutex_.Unlock();
}

void CommitQueue::WorkInBackground() {
  busy_ = true;
  const bool maintain = maintenance_due_;
  Batch batch = maintain ? Batch() : TakeBatch();
  mutex_.Unlock();
  if (maintain) {
    Maintain();
  } else {
    CommitOnce(std::move(batch));
  }
  mutex_.Lock();
}

}  // namespace onhook
