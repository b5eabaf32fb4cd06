#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/free_disk.h"
#include "gateway/store/embedded/reading_thread.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/store_limits.h"

namespace onhook {

// The Quarantine of the embedded engines: writes through the commit queue, as ingest does, since a
// refusal waits for it; reads by the reading thread.
class EmbeddedQuarantine final : public Quarantine {
 public:
  // All must outlive it.
  EmbeddedQuarantine(Storage* storage, CommitQueue* commits, ReadingThread* reader,
                     const FreeDisk* free_disk, const Clock* clock, const Log* log,
                     const QuarantineOptions& options);

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override;
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override;
  void Get(int64_t id, Done<RejectedCallback> done) override;
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override;
  void Measure(Done<QuarantineSize> done) override;
  int64_t removed_by_limit() const override {
    return removed_by_age() + removed_by_size_.load(std::memory_order_relaxed);
  }
  int64_t removed_by_age() const override {
    return removed_by_age_.load(std::memory_order_relaxed);
  }

  // --- for the store that owns it

  // So many bytes may be kept from now on. Threads: any.
  void SetMaxBytes(int64_t bytes) { max_bytes_ = bytes; }

  // So many were removed, durably, by the limits.
  void CountRemoved(TrimmedCallbacks callbacks);

 private:
  // Reads on the reading thread; `done` gets the result, or why nothing can be read.
  template <typename Result>
  void Read(std::function<absl::StatusOr<Result>(QuarantineRows&)> read, Done<Result> done);

  Storage* const storage_;
  CommitQueue* const commits_;
  ReadingThread* const reader_;
  const FreeDisk* const free_disk_;
  const Log* const log_;
  std::atomic<int64_t> max_bytes_;
  std::atomic<int64_t> removed_by_age_{0};
  std::atomic<int64_t> removed_by_size_{0};
  LogThrottle removals_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_
