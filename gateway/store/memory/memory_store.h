#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORE_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/store/embedded/embedded_store.h"
#include "gateway/store/memory/memory_storage.h"

namespace onhook {

// Opens the memory engine, for tests, on `disk`; opening it again on the same one is a restart.
// `clock` and `log` must outlive the store.
absl::StatusOr<std::unique_ptr<Store>> OpenMemoryStore(std::shared_ptr<MemoryDisk> disk,
                                                       const Clock* clock, const Log* log,
                                                       const EmbeddedStoreOptions& options = {});

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_STORE_H_
