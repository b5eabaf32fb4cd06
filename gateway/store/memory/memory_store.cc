#include "gateway/store/memory/memory_store.h"

#include <utility>

namespace onhook {

absl::StatusOr<std::unique_ptr<Store>> OpenMemoryStore(std::shared_ptr<MemoryDisk> disk,
                                                       const Clock* clock, const Log* log,
                                                       const EmbeddedStoreOptions& options) {
  return EmbeddedStore::Open(std::make_unique<MemoryStorage>(std::move(disk)),
                             v1::DURABILITY_CLASS_MEMORY, options, clock, log,
                             [](const absl::Status&) {});
}

}  // namespace onhook
