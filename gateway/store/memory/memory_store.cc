#include "gateway/store/memory/memory_store.h"

#include <utility>

namespace onhook {

absl::StatusOr<std::unique_ptr<Store>> OpenMemoryStore(std::shared_ptr<MemoryRows> rows,
                                                       const Clock* clock, const Log* log,
                                                       const EmbeddedStoreOptions& options) {
  return EmbeddedStore::Open(std::make_unique<MemoryStorage>(std::move(rows)),
                             v1::DURABILITY_CLASS_MEMORY, options, clock, log,
                             [](const absl::Status&) {});
}

}  // namespace onhook
