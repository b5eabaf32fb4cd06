#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ostream>
#include <utility>

#include "absl/strings/match.h"

namespace onhook {
namespace {

std::vector<char*> Arguments(std::vector<std::string>& command) {
  std::vector<char*> pointers;
  for (std::string& each : command) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<char*> EnvironmentOfChild() {
  std::vector<char*> pointers;
  for (char** each = environ; *each != nullptr; ++each) {
    if (!absl::StartsWith(*each, "ONHOOK_")) pointers.push_back(*each);
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Runs in the child, between fork and exec: system calls only.
[[noreturn]] void BecomeProgram(pid_t parent, int input, int output, char** arguments,
                                char** environment, const std::function<bool()>& prepare) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (prepare == nullptr || prepare()) execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const ProcessEnd& end) {
  if (end.signal != 0) return stream << "ended by signal " << end.signal;
  return stream << "exit code " << end.exit_code;
}

ChildProcess::ChildProcess(std::vector<std::string> command, Options options)
    : take_output_(std::move(options.take_output)) {
  std::vector<char*> arguments = Arguments(command);
  std::vector<char*> environment = EnvironmentOfChild();
  int pipe_ends[2];
  // A socket, because writing to one can be told not to raise SIGPIPE.
  int input_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input_ends) != 0) std::abort();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) {
    BecomeProgram(parent, input_ends[1], pipe_ends[1], arguments.data(), environment.data(),
                  options.prepare);
  }
  close(pipe_ends[1]);
  close(input_ends[1]);
  input_descriptor_ = input_ends[0];
  output_descriptor_ = pipe_ends[0];
  // glibc 2.36 declares pidfd_open() without C linkage.
  pid_descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pid_descriptor_ < 0) std::abort();
  reader_ = std::thread([this] { ReadOutput(); });
}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  Wait(absl::InfiniteDuration());
  reader_.join();
  close(input_descriptor_);
  close(output_descriptor_);
  close(pid_descriptor_);
}

void ChildProcess::Signal(int signal_number) {
  if (!end_.has_value()) kill(pid_, signal_number);
}

void ChildProcess::Write(absl::string_view text) {
  // Never waits: what a test says is little beside the socket's buffer.
  send(input_descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::optional<ProcessEnd> ChildProcess::Wait(absl::Duration timeout) {
  if (end_.has_value()) return end_;
  const int64_t milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  pollfd ended{pid_descriptor_, POLLIN, 0};
  const int patience = timeout == absl::InfiniteDuration()
                           ? -1
                           : static_cast<int>(std::min<int64_t>(milliseconds, 3'600'000));
  if (poll(&ended, 1, patience) != 1) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) std::abort();
  end_.emplace();
  if (WIFSIGNALED(status)) {
    end_->signal = WTERMSIG(status);
  } else {
    end_->exit_code = WEXITSTATUS(status);
  }
  // Its last words may still be on their way through the pipe, which has no other writer.
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&output_ended_));
  return end_;
}

bool ChildProcess::WaitForOutput(const std::function<bool(absl::string_view output)>& wanted,
                                 absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return output_ended_ || wanted(output_);
  };
  mutex_.AwaitWithTimeout(absl::Condition(&settled), timeout);
  return wanted(output_);
}

std::string ChildProcess::output() const {
  absl::MutexLock lock(&mutex_);
  return output_;
}

void ChildProcess::ReadOutput() {
  char buffer[16384];
  ssize_t got;
  while ((got = read(output_descriptor_, buffer, sizeof(buffer))) > 0) {
    const absl::string_view piece(buffer, static_cast<size_t>(got));
    if (take_output_ != nullptr) {
      take_output_(piece);
      continue;
    }
    absl::MutexLock lock(&mutex_);
    output_.append(piece.data(), piece.size());
  }
  absl::MutexLock lock(&mutex_);
  output_ended_ = true;
}

}  // namespace onhook
