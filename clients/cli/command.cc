#include "clients/cli/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "clients/cli/printable.h"
#include "onhook/status.h"

namespace onhook::cli {

absl::Status Print(absl::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write to standard output: ", strerror(errno)));
}

void Say(absl::string_view message) {
  const std::string line = absl::StrCat("onhook: ", Printable(message), "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

ExitCode ReportFailure(const absl::Status& status) {
  const std::string reason = client::ErrorReason(status);
  Say(absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message(),
                   reason.empty() ? "" : absl::StrCat(" (", reason, ")")));
  const bool refused = status.code() == absl::StatusCode::kInvalidArgument ||
                       status.code() == absl::StatusCode::kNotFound ||
                       status.code() == absl::StatusCode::kOutOfRange ||
                       status.code() == absl::StatusCode::kFailedPrecondition;
  return refused ? kExitNegative : kExitFailed;
}

}  // namespace onhook::cli
