#include "gateway/restore_store.h"

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gateway/store/sqlite/sqlite_restore.h"

namespace onhook {
namespace {

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string ReportOf(const RestoredStore& restored, const Invocation& invocation) {
  const std::string newest =
      restored.events == 0
          ? ""
          : absl::StrCat(", the newest received at ", TimeText(restored.newest_received_at));
  return absl::StrCat(
      "restored ", invocation.operand, " into ", invocation.settings.store.directory, "\n",
      "  backup of store ", restored.ancestor.store_id, ", taken at ",
      TimeText(restored.ancestor.backup_taken_at), ": ", restored.events, " events", newest, "\n",
      "  new store_id ", restored.store_id,
      ": cursors and delivery ids of the store before are refused, and told where to resume from\n",
      "  what was acknowledged after the backup comes again\n");
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (absl::IsDataLoss(status)) return kExitBadStore;
  const bool is_of_arguments = absl::IsNotFound(status) || absl::IsInvalidArgument(status) ||
                               absl::IsFailedPrecondition(status);
  return is_of_arguments ? kExitBadSettings : kExitFailed;
}

}  // namespace

int RestoreStore(const Invocation& invocation) {
  const absl::StatusOr<RestoredStore> restored = RestoreSqliteStore(
      invocation.operand, invocation.settings.store.directory, SystemClock().Now());
  if (!restored.ok()) {
    std::fprintf(stderr, "--restore: %s\n", std::string(restored.status().message()).c_str());
    return ExitCodeOf(restored.status());
  }
  std::printf("%s", ReportOf(*restored, invocation).c_str());
  return kExitOk;
}

}  // namespace onhook
