#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// Something to be made durable. Its methods are called in this order, each once, by whichever
// thread does the commit; without any lock held.
class CommitOperation {
 public:
  virtual ~CommitOperation() = default;
  // How much it adds to a batch.
  virtual size_t bytes() const = 0;
  // How many events it brings.
  virtual size_t events() const { return 0; }
  // Writes its rows. An error fails the whole batch.
  virtual absl::Status Apply(Storage& storage) = 0;
  // It is durable: make it visible. Not called if the batch failed. In the order of the batch, and
  // before any Finish of it.
  virtual void Publish() {}
  // It is durable, or failed with this error and left nothing behind.
  virtual void Finish(const absl::Status& status) = 0;
};

struct CommitQueueOptions {
  size_t max_batch_operations = 1024;
  size_t max_batch_bytes = 4 << 20;
  // How long an operation that may linger waits for others to share its commit.
  absl::Duration linger = absl::Milliseconds(5);
  // Operations that may wait; more are refused with kUnavailable.
  size_t max_pending = 65536;
  // The queue has no thread, and nobody who submits commits: its owner calls RunOne.
  bool by_hand = false;

  // What is counted: the seconds that each commit took, how many events came with each that brought
  // any, and commits that failed.
  Metrics::Histogram duration;
  Metrics::Histogram events;
  Metrics::Counter failures;
};

// One thread's worth of writing: gathers operations of many threads into transactions, so that one
// sync of the disk serves all that waited for it.
//
// There is no hand-over when there is no crowd: a thread that submits an urgent operation while
// nobody commits does the commit itself, for everything that waits. What gathers meanwhile goes to
// the next urgent submitter or to a thread of the queue's own, whoever comes first.
//
// Promises: operations of one urgency are committed in the order they were submitted; urgent ones
// go first. A batch is bounded in operations and bytes. Every operation is finished exactly once.
// Maintenance of the storage, once it is due, goes before the next commit.
// After kDataLoss from the storage `fatal` is called and nothing is finished any more: no answer is
// better than a wrong one.
// Threads: any. Blocking: Submit of an urgent operation may do a commit; Close waits for all.
class CommitQueue {
 public:
  enum class Urgency {
    kNow,        // somebody waits for an answer
    kMayLinger,  // may wait CommitQueueOptions::linger, to share a commit
  };
  // What concerns every batch. Called by whichever thread does the commit, without any lock held.
  struct Hooks {
    // Writes what rides along with any commit. As CommitOperation::Apply.
    std::function<absl::Status(Storage&)> before_commit;
    // The batch is durable, and its urgent operations are finished: comes before the rest of it,
    // because somebody waits for what follows from the urgent ones.
    std::function<void()> batch_done;
  };
  // Must not return if the process is to end; if it returns, the queue stays silent for ever.
  using Fatal = std::function<void(const absl::Status&)>;

  // `storage` must outlive the queue.
  CommitQueue(Storage* storage, const Clock* clock, CommitQueueOptions options, Hooks hooks,
              Fatal fatal);
  ~CommitQueue();

  void Submit(std::unique_ptr<CommitOperation> operation, Urgency urgency);

  // Does `work`, and then commits what it and others have submitted, unless somebody commits. What
  // this thread submits within `work` as urgent is submitted at the end of it. Goes on for as long
  // as more comes: for threads whom nobody waits for meanwhile.
  void Together(absl::FunctionRef<void()> work);

  // Commits what is pending, then refuses everything with kUnavailable. Idempotent.
  void Close();

  // What lingers lingers no longer: the queue's own thread commits it, if nobody else does before.
  // For what somebody turns out to wait for.
  void Hasten();

  // By hand: does what the queue's own thread would do next, a commit or maintenance. False:
  // nothing is to be done now.
  bool RunOne();
  bool by_hand() const { return options_.by_hand; }

 private:
  using Operations = std::deque<std::unique_ptr<CommitOperation>>;
  struct Batch {
    std::vector<std::unique_ptr<CommitOperation>> operations;
    size_t urgent = 0;  // so many of them, at the front, are urgent
  };

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Refuse(CommitOperation& operation);
  // Whether the calling thread may begin a commit of what is pending; then it has to.
  bool BeginLeading() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the next batch, urgent operations first.
  Batch TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits one batch. The caller has set busy_; it is cleared on return, unless the caller
  // `leads_on` and there is more that is urgent: then returns true.
  bool CommitOnce(Batch batch, bool leads_on = false) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status WriteAndCommit(const Batch& batch);
  // WriteAndCommit, counted.
  absl::Status Commit(const Batch& batch);
  void Maintain() ABSL_LOCKS_EXCLUDED(mutex_);
  bool BackgroundHasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The queue's own thread has to look sooner than it will by itself.
  bool MustWakeBackground() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What BackgroundHasWork says there is, without the lock.
  void WorkInBackground() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunBackground();

  Storage* const storage_;
  const Clock* const clock_;
  const CommitQueueOptions options_;
  const Hooks hooks_;
  const Fatal fatal_;

  absl::Mutex mutex_;
  SteadyCondition background_wakes_;
  Operations urgent_ ABSL_GUARDED_BY(mutex_);
  Operations lingering_ ABSL_GUARDED_BY(mutex_);
  absl::Duration linger_until_ ABSL_GUARDED_BY(mutex_);  // of lingering_.front(), Clock::Elapsed()
  // When the queue's own thread looks again by itself, Clock::Elapsed().
  absl::Duration background_looks_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;  // somebody writes to the storage
  bool maintenance_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool dead_ ABSL_GUARDED_BY(mutex_) = false;  // kDataLoss was seen
  std::thread background_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_QUEUE_H_
