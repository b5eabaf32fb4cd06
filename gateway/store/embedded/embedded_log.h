#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_LOG_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_LOG_H_

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/event_tail.h"
#include "gateway/store/embedded/free_disk.h"
#include "gateway/store/embedded/reading_thread.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/event_log.h"

namespace onhook {

// The EventLog of the embedded engines: appends through the commit queue, reads from the tail in
// memory or, behind it, by the reading thread.
class EmbeddedLog final : public EventLog {
 public:
  struct Options {
    size_t tail_bytes = 0;  // newest events kept in memory
    // How long a nonce is kept after it was seen, and after its own time. See admission.h.
    absl::Duration nonce_memory;
  };

  // All but `recovered` must outlive the log.
  EmbeddedLog(Storage* storage, CommitQueue* commits, ReadingThread* reader,
              const FreeDisk* free_disk, const Clock* clock, const Log* log,
              const RecoveredState& recovered, const Options& options);

  void Append(NewEvent event, AppendDone done) override;
  void Read(Sequence after, ReadLimits limits, ReadDone done) override;
  void Find(EventQuery query, FindDone done) override;
  void FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) override;
  void FindRawBody(Sequence sequence, RawBodyDone done) override;
  Sequence last() const override { return tail_.last(); }
  Sequence first() const override { return first_.load(std::memory_order_acquire); }
  void AddTailListener(TailListener listener) override;
  void RecordForwarded(const std::string& receiver, SequenceRange range) override;
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override {
    return forwarded_at_open_;
  }

  // --- for the store that owns it

  // Nonces that come are kept so long from now on. Threads: any.
  void SetNonceMemory(absl::Duration memory) { nonce_memory_.Set(memory); }
  // As FindPlace, by LogEvent::end_offset: the first event kept whose offset is at least `offset`.
  void FindOffset(int64_t offset, std::function<void(absl::StatusOr<Sequence>)> done);
  // LogEvent::end_offset of the newest event.
  int64_t last_offset() const { return last_offset_.load(std::memory_order_acquire); }
  // Events before `first` have been removed.
  void SetFirst(Sequence first) { first_.store(first, std::memory_order_release); }

  // Tells the listeners that the log grew.
  void SignalTail();
  // Writes the forwarded marks that are kept in memory. Called within a transaction, by the thread
  // that writes.
  absl::Status WriteForwarded(Storage& storage);
  // That transaction is durable. Without this, the next one writes its marks again.
  void ForwardedWritten();
  // Forgets marks of events that have been removed. Called within a transaction, as WriteForwarded.
  absl::Status TrimForwarded(Sequence through, Storage& storage);

 private:
  class AppendOperation;
  class FlushOperation;
  struct Search {
    EventQuery query;  // what is left of it
    Sequence last = 0;
    bool narrowed = false;
    std::vector<LogEventPtr> found;
    FindDone done;
  };

  // To the part of the log where events of those times can be.
  absl::Status Narrow(Search& search) const;
  // Goes through the next part of the log, then waits its turn again.
  void SearchOn(const std::shared_ptr<Search>& search);

  Storage* const storage_;
  CommitQueue* const commits_;
  ReadingThread* const reader_;
  const FreeDisk* const free_disk_;
  const Clock* const clock_;
  const Log* const log_;
  Exchangeable<absl::Duration> nonce_memory_;
  std::map<std::string, SequenceSet> forwarded_at_open_;
  EventTail tail_;
  std::atomic<Sequence> first_;
  std::atomic<int64_t> last_offset_;
  // Where the newest event is, within the transaction that is being written; 0 before its first
  // append. Only that thread's.
  LogPlace in_transaction_{0, 0};

  std::vector<TailListener> listeners_;  // set before the first append

  struct ForwardedMarks {
    SequenceSet sequences;  // the newest runs, of which one may still grow
    // Members of the runs that grew since they were written.
    std::vector<Sequence> unwritten;
    std::vector<Sequence> in_commit;
  };
  absl::Mutex forwarded_mutex_;
  bool flush_queued_ ABSL_GUARDED_BY(forwarded_mutex_) = false;  // an operation will write marks
  std::map<std::string, ForwardedMarks> forwarded_ ABSL_GUARDED_BY(forwarded_mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_LOG_H_
