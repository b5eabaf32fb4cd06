#include "tests/support/onhookd_process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

std::vector<std::string> CommandOf(const OnhookdProcess::Options& options) {
  std::vector<std::string> command = options.runner;
  const std::string own[] = {
      options.program.empty() ? OnhookdProgram() : options.program,
      absl::StrCat("--http-listen=", options.http_listen),
      absl::StrCat("--grpc-listen=", options.grpc_listen),
      absl::StrCat("--admin-listen=", options.admin_listen),
  };
  command.insert(command.end(), std::begin(own), std::end(own));
  if (!options.store_directory.empty()) {
    command.push_back(absl::StrCat("--store-directory=", options.store_directory));
  }
  command.insert(command.end(), options.more_arguments.begin(), options.more_arguments.end());
  return command;
}

// The port that the log says this listener has; 0 if it does not say so (yet).
int PortInLog(absl::string_view log, absl::string_view listener) {
  constexpr absl::string_view kAddress = "\"address\":\"";
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    const size_t address = line.find(kAddress);
    if (address == absl::string_view::npos || !absl::StrContains(line, "\"msg\":\"listening\"") ||
        !absl::StrContains(line, absl::StrCat("\"listener\":\"", listener, "\""))) {
      continue;
    }
    line.remove_prefix(address + kAddress.size());
    line = line.substr(0, line.find('"'));
    int port = 0;
    if (absl::SimpleAtoi(line.substr(line.rfind(':') + 1), &port)) return port;
  }
  return 0;
}

}  // namespace

std::string OnhookdProgram() {
  const char* other = std::getenv("ONHOOK_PROGRAM");
  return other != nullptr ? other : ONHOOK_PROGRAM_PATH;
}

OnhookdProcess::OnhookdProcess(const Options& options)
    : process_(CommandOf(options), {options.prepare}) {}

bool OnhookdProcess::WaitUntilListening(absl::Duration timeout) {
  return process_.WaitForOutput(
      [this](absl::string_view log) {
        http_port_ = PortInLog(log, "http");
        grpc_port_ = PortInLog(log, "grpc");
        admin_port_ = PortInLog(log, "admin");
        return http_port_ != 0 && grpc_port_ != 0 && admin_port_ != 0;
      },
      timeout);
}

bool OnhookdProcess::WaitUntilAdminListens(absl::Duration timeout) {
  return process_.WaitForOutput(
      [this](absl::string_view log) {
        admin_port_ = PortInLog(log, "admin");
        return admin_port_ != 0;
      },
      timeout);
}

bool OnhookdProcess::WaitForLog(absl::string_view text, absl::Duration timeout) const {
  return process_.WaitForOutput(
      [text](absl::string_view log) { return absl::StrContains(log, text); }, timeout);
}

bool OnhookdProcess::WaitForLogLines(const std::vector<std::string>& parts, int count,
                                     absl::Duration timeout) const {
  const auto holds_all = [&parts](absl::string_view line) {
    return std::all_of(parts.begin(), parts.end(),
                       [line](const std::string& part) { return absl::StrContains(line, part); });
  };
  return process_.WaitForOutput(
      [&](absl::string_view log) {
        const std::vector<absl::string_view> lines = absl::StrSplit(log, '\n');
        return std::count_if(lines.begin(), lines.end(), holds_all) >= count;
      },
      timeout);
}

void OnhookdProcess::Kill() {
  process_.Signal(SIGKILL);
  process_.Wait(absl::InfiniteDuration());
}

void OnhookdProcess::Terminate() { process_.Signal(SIGTERM); }

}  // namespace onhook
