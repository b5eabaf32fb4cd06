#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_NONCES_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_NONCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/embedded/nonce_rows.h"
#include "gateway/store/memory/memory_rows.h"

namespace onhook {

// The nonces of a memory storage.
class MemoryNonces final : public NonceRows {
 public:
  // `writes`: of the transaction. Both must outlive it.
  MemoryNonces(MemoryDisk* disk, std::vector<MemoryWrite>* writes)
      : mutex_(disk->mutex), rows_(&disk->rows), writes_(writes) {}

  // Another transaction begins.
  void BeginAnew() { inserted_.clear(); }

  absl::StatusOr<std::optional<std::string>> Find(const std::string& source,
                                                  const NewEvent::Nonce& nonce) override;
  absl::Status Insert(const NonceRow& row) override;
  absl::StatusOr<int64_t> Horizon(const std::string& source) override;
  absl::StatusOr<int64_t> Forget(absl::Time now, int64_t max_rows) override;

 private:
  absl::Mutex& mutex_;
  MemoryRows* const rows_ ABSL_PT_GUARDED_BY(mutex_);
  std::vector<MemoryWrite>* const writes_;
  std::map<MemoryRows::NonceKey, std::string> inserted_;  // by this transaction
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_NONCES_H_
