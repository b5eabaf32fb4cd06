#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_QUARANTINE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/embedded/quarantine_rows.h"
#include "gateway/store/memory/memory_rows.h"

namespace onhook {

// The rejected callbacks of a memory storage.
class MemoryQuarantine final : public QuarantineRows {
 public:
  // `writes`: of the transaction. Both must outlive it.
  MemoryQuarantine(MemoryDisk* disk, std::vector<MemoryWrite>* writes)
      : mutex_(disk->mutex), rows_(&disk->rows), writes_(writes) {}

  // Another transaction begins.
  void BeginAnew() { changed_ = nullptr; }

  absl::StatusOr<int64_t> FindEqual(const NewRejectedCallback& callback) override;
  absl::StatusOr<int64_t> Insert(const NewRejectedCallback& callback) override;
  absl::StatusOr<bool> Remove(int64_t id) override;
  absl::StatusOr<TrimmedCallbacks> Trim(absl::Time before, int64_t max_bytes,
                                        int64_t max_rows) override;
  absl::StatusOr<std::vector<RejectedCallback>> List(const RejectedCallbackQuery& query) override;
  absl::StatusOr<std::optional<RejectedCallback>> Get(int64_t id) override;
  absl::StatusOr<QuarantineSize> Measure() override;

 private:
  using Table = MemoryRows::RejectedCallbacks;

  // A copy of the table, which the transaction changes and puts in place of it.
  Table& Changed();

  absl::Mutex& mutex_;
  MemoryRows* const rows_ ABSL_PT_GUARDED_BY(mutex_);
  std::vector<MemoryWrite>* const writes_;
  std::shared_ptr<Table> changed_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_QUARANTINE_H_
