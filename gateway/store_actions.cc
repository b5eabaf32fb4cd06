#include "gateway/store_actions.h"

#include <cstdio>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gateway/store/sqlite/sqlite_loss.h"
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
  const absl::StatusOr<std::string> done = AcceptSqliteLoss(directory);
  if (!done.ok()) return ExitAfter(done.status());
  Print(stdout, *done);
  return kExitOk;
}

}  // namespace

int RunOnStore(const Invocation& invocation) {
  return invocation.action == Invocation::Action::kVerify ? Verify(invocation.directory)
                                                          : AcceptLoss(invocation.directory);
}

}  // namespace onhook
