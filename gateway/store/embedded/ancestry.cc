#include "gateway/store/embedded/ancestry.h"

#include <string>

#include "absl/time/time.h"

namespace onhook {

void TellOrigin(const StoreAncestor& ancestor, const Log& log) {
  const std::string taken_at = absl::FormatTime(ancestor.taken_at, absl::UTCTimeZone());
  const std::string renewed_at = absl::FormatTime(ancestor.renewed_at, absl::UTCTimeZone());
  if (ancestor.kind == StoreAncestor::Kind::kRestored) {
    log.Info("store", "this store was restored from a backup",
             {{"of_store", ancestor.store_id},
              {"backup_taken_at", taken_at},
              {"newest_event_of_backup", ancestor.newest},
              {"restored_at", renewed_at}});
  } else {
    log.Info("store", "this store goes on without what was lost of it, as was accepted",
             {{"of_store", ancestor.store_id},
              {"newest_event_left", ancestor.newest},
              {"newest_event_received_at", taken_at},
              {"accepted_at", renewed_at}});
  }
}

}  // namespace onhook
