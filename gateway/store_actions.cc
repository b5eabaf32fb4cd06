#include "gateway/store_actions.h"

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gateway/store/sqlite/sqlite_loss.h"
#include "gateway/store/sqlite/sqlite_restore.h"
#include "gateway/store/sqlite/sqlite_verification.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

void Print(std::FILE* to, absl::string_view line) {
  std::fprintf(to, "%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(to);
}

int ExitAfter(const absl::Status& error) {
  Print(stderr, error.message());
  return IsStoreDamage(error) ? kExitBadStore : kExitFailed;
}

int Verify(const std::string& directory) {
  const SystemClock clock;
  const absl::StatusOr<bool> sound =
      VerifySqliteStore(directory, &clock,
                        {[](absl::string_view line) { Print(stdout, line); },
                         [](absl::string_view line) { Print(stderr, line); }});
  if (!sound.ok()) return ExitAfter(sound.status());
  return *sound ? kExitOk : kExitBadStore;
}

int AcceptLoss(const std::string& directory) {
  const absl::StatusOr<std::string> done = AcceptSqliteLoss(directory, SystemClock().Now());
  if (!done.ok()) return ExitAfter(done.status());
  Print(stdout, *done);
  return kExitOk;
}

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
      TimeText(restored.ancestor.taken_at), ": ", restored.events, " events", newest, "\n",
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

int Restore(const Invocation& invocation) {
  if (invocation.settings.store.engine != Settings::Store::Engine::kSqlite) {
    std::fprintf(stderr, "%s\n",
                 FaultLine("store.engine: is jetstream, of which there are no backups to restore: "
                           "what the NATS servers hold is theirs to back up; --restore makes a "
                           "store of sqlite",
                           invocation)
                     .c_str());
    return kExitBadSettings;
  }
  const absl::StatusOr<RestoredStore> restored = RestoreSqliteStore(
      invocation.operand, invocation.settings.store.directory, SystemClock().Now());
  if (!restored.ok()) {
    std::fprintf(stderr, "--restore: %s\n", std::string(restored.status().message()).c_str());
    return ExitCodeOf(restored.status());
  }
  std::printf("%s", ReportOf(*restored, invocation).c_str());
  return kExitOk;
}

}  // namespace

int RunOnStore(const Invocation& invocation) {
  switch (invocation.action) {
    case Invocation::Action::kRestore:
      return Restore(invocation);
    case Invocation::Action::kVerify:
      return Verify(invocation.operand);
    default:
      return AcceptLoss(invocation.operand);
  }
}

}  // namespace onhook
