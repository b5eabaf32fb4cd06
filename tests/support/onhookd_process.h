#ifndef ONHOOK_TESTS_SUPPORT_ONHOOKD_PROCESS_H_
#define ONHOOK_TESTS_SUPPORT_ONHOOKD_PROCESS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/child_process.h"

namespace onhook {

// The path of the program that OnhookdProcess runs, for who asks it for something else.
std::string OnhookdProgram();

// The real gateway program, on ports of its own choice.
//
// The program is build/<preset>/onhookd of the same build, or what the variable ONHOOK_PROGRAM
// names. Threads, blocking: as ChildProcess.
class OnhookdProcess {
 public:
  struct Options {
    // Outlives the process, so that another may go on with it. Empty: it keeps nothing on this
    // disk.
    std::string store_directory;
    // HOST:PORT of each listener.
    std::string http_listen = "127.0.0.1:0";
    std::string grpc_listen = "127.0.0.1:0";
    std::string admin_listen = "127.0.0.1:0";
    std::vector<std::string> more_arguments;
    // Another build of the program; empty: as said above.
    std::string program;
    // A program with its arguments that runs it, in the process that it was started as itself.
    std::vector<std::string> runner;
    // As ChildProcess has it.
    std::function<bool()> prepare;
  };

  // Starts the program and waits for nothing.
  explicit OnhookdProcess(const Options& options);

  // Whether all listeners were open before `timeout`. The ports are known from then on.
  bool WaitUntilListening(absl::Duration timeout);
  // The same of the admin port alone, which is open before there is anything to take callbacks.
  bool WaitUntilAdminListens(absl::Duration timeout);
  int http_port() const { return http_port_; }
  int grpc_port() const { return grpc_port_; }
  int admin_port() const { return admin_port_; }

  pid_t pid() const { return process_.pid(); }
  // SIGKILL, and waits until the process is gone.
  void Kill();
  // SIGTERM. Does not wait.
  void Terminate();
  // How it ended; nothing if it still runs after `timeout`.
  std::optional<ProcessEnd> Wait(absl::Duration timeout) { return process_.Wait(timeout); }

  // Whether `text` was logged before `timeout`.
  bool WaitForLog(absl::string_view text, absl::Duration timeout) const;
  // Whether `count` lines that hold all of `parts` were logged before `timeout`.
  bool WaitForLogLines(const std::vector<std::string>& parts, int count,
                       absl::Duration timeout) const;
  // What it wrote so far: its log.
  std::string log() const { return process_.output(); }

 private:
  ChildProcess process_;
  int http_port_ = 0;
  int grpc_port_ = 0;
  int admin_port_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_ONHOOKD_PROCESS_H_
