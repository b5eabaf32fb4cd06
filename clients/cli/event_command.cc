#include "clients/cli/event_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/event_format.h"

namespace onhook::cli {
namespace {

using client::Settlement;

// As shells report a command that they cannot run.
constexpr int kExitNotExecutable = 126;
constexpr int kExitNotFound = 127;
constexpr int kExitSignalled = 128;

absl::Status SystemError(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(error)));
}

// A file in memory that holds `content` and is read from its beginning. Unlike a pipe it takes any
// amount at once and does not mind if nobody reads. The caller closes it.
absl::StatusOr<int> FileWith(absl::string_view content) {
  const int file = memfd_create("onhook-delivery", MFD_CLOEXEC);
  if (file < 0) return SystemError("memfd_create", errno);
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      close(file);
      return SystemError("write", error);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

// This program's environment, with `additions` ("NAME=VALUE") in place of what had their names.
std::vector<std::string> Environment(const std::vector<std::string>& additions) {
  std::vector<std::string> result = additions;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = false;
    for (const std::string& addition : additions) {
      replaced |= absl::StartsWith(*entry, addition.substr(0, addition.find('=') + 1));
    }
    if (!replaced) result.emplace_back(*entry);
  }
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Starts /bin/sh as the header says. The mask and the ignored signals of this program (see
// Interruption and main) are not the command's.
absl::StatusOr<pid_t> Spawn(const std::string& command, int standard_input,
                            std::vector<std::string> environment) {
  std::vector<std::string> words = {"/bin/sh", "-c", command};
  const std::vector<char*> arguments = Pointers(words);
  const std::vector<char*> variables = Pointers(environment);
  sigset_t none;
  sigemptyset(&none);
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, standard_input, STDIN_FILENO);
  pid_t process = 0;
  const int error = posix_spawn(&process, words[0].c_str(), &actions, &attributes, arguments.data(),
                                variables.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return SystemError("posix_spawn", error);
  return process;
}

std::vector<std::string> VariablesOf(const v1::Delivery& delivery,
                                     const std::string& subscription) {
  std::vector<std::string> variables = {
      absl::StrCat("ONHOOK_EVENT_ID=", delivery.event().event_id()),
      absl::StrCat("ONHOOK_DELIVERY_ID=", delivery.delivery_id()),
      absl::StrCat("ONHOOK_ATTEMPT=", delivery.attempt()),
      absl::StrCat("ONHOOK_SUBSCRIPTION=", subscription)};
  // As OpenTelemetry hands a trace on to a program.
  if (delivery.event().has_traceparent()) {
    variables.push_back(absl::StrCat("TRACEPARENT=", delivery.event().traceparent()));
  }
  return variables;
}

// Waits until `process` has ended, and leaves it to be reaped: its number stays its own.
void AwaitEnd(pid_t process) {
  siginfo_t ended;
  while (waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
}

}  // namespace

Settlement SettlementOfEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return Settlement::Retry(
        absl::StrCat("killed by signal ", signal, " (", strsignal(signal), ")"));
  }
  const int code = WEXITSTATUS(wait_status);
  std::string reason = absl::StrCat("exit status ", code);
  // So a shell tells of a command of its own that a signal ended.
  if (code > kExitSignalled) {
    absl::StrAppend(&reason, " (signal ", code - kExitSignalled, ")");
  }
  switch (code) {
    case 0:
      return Settlement::Ack();
    case EX_DATAERR:
      return Settlement::Park(reason);
    case kExitNotExecutable:
      return Settlement::Retry(absl::StrCat(reason, ": the command cannot be executed"));
    case kExitNotFound:
      return Settlement::Retry(absl::StrCat(reason, ": the command was not found"));
    default:
      return Settlement::Retry(reason);
  }
}

Settlement EventCommand::Run(const v1::Delivery& delivery) {
  const absl::StatusOr<int> file = FileWith(Format(delivery, {true, true}));
  if (!file.ok()) return Settlement::Retry(std::string(file.status().message()));
  absl::StatusOr<pid_t> process;
  {
    // Under the lock, so that Terminate misses none.
    absl::MutexLock lock(&mutex_);
    process = Spawn(command_, *file, Environment(VariablesOf(delivery, subscription_)));
    if (process.ok()) groups_.insert(*process);
  }
  close(*file);
  if (!process.ok()) return Settlement::Retry(std::string(process.status().message()));
  AwaitEnd(*process);
  {
    absl::MutexLock lock(&mutex_);
    groups_.erase(*process);
  }
  int status = 0;
  // Fails when somebody else reaps this program's children: then nobody knows that it went well.
  if (waitpid(*process, &status, 0) != *process) {
    return Settlement::Retry("the command's end is not known");
  }
  return SettlementOfEnd(status);
}

size_t EventCommand::running() const {
  absl::MutexLock lock(&mutex_);
  return groups_.size();
}

void EventCommand::Terminate() {
  absl::MutexLock lock(&mutex_);
  for (const pid_t group : groups_) kill(-group, SIGTERM);
}

}  // namespace onhook::cli
