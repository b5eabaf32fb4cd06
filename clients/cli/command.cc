#include "clients/cli/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "clients/cli/advice.h"
#include "clients/cli/printable.h"
#include "onhook/status.h"

namespace onhook::cli {
namespace {

// Whether the gateway was there and said no.
bool IsRefusal(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

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
  const std::string code = absl::StatusCodeToString(status.code());
  const std::string reason = client::ErrorReason(status);
  // The gateway's reason is the code again unless it has something to add.
  const bool adds = !reason.empty() && reason != code && !IsReasonOfClient(status);
  Say(absl::StrCat(code, ": ", status.message(), adds ? absl::StrCat(" (", reason, ")") : "",
                   Advice(status)));
  if (IsOfFlags(status)) return kExitUsage;
  return IsRefusal(status.code()) ? kExitNegative : kExitFailed;
}

}  // namespace onhook::cli
