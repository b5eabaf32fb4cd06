#ifndef ONHOOK_GATEWAY_STORE_OPENING_H_
#define ONHOOK_GATEWAY_STORE_OPENING_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/recovery_progress.h"
#include "gateway/store/store.h"

namespace onhook {

class SpooledStore;

// What a store of any engine is opened with beside its settings. All that is pointed to must
// outlive the store.
struct StoreSurroundings {
  const Clock* clock = nullptr;
  const Log* log = nullptr;
  // Told how far the opening is.
  RecoveryProgress* progress = nullptr;
  // Of what is committed on this machine: how it is counted.
  CommitQueueOptions commits;
  // Called once nobody can say any more what is on this machine's disk, or (kFailedPrecondition)
  // the store that was opened is gone, and another in its place; ends the process.
  std::function<void(const absl::Status&)> fatal;
};

struct OpenedStore {
  std::unique_ptr<Store> store;
  const SpooledStore* spool = nullptr;  // the same store, if it has one
};

// The name of the engine, as it is in settings and metrics.
absl::string_view EngineName(const Settings& settings);

// Opens the store that the settings choose. The one place that knows how each engine is set up.
//
// Servers that do not answer are asked again for a minute, since all may be starting together; with
// a spool the gateway goes on without them.
// Blocking: for recovery, and as said. Errors: those of the engine; the message begins with the
// setting that can mend it.
absl::StatusOr<OpenedStore> OpenStore(const Settings& settings,
                                      const StoreSurroundings& surroundings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_OPENING_H_
