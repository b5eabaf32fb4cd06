#ifndef ONHOOK_TESTS_SUPPORT_CHILD_PROCESS_H_
#define ONHOOK_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook {

// How a process ended: by itself with a code, or by a signal.
struct ProcessEnd {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;      // 0: it ended by itself

  bool operator==(const ProcessEnd& other) const {
    return exit_code == other.exit_code && signal == other.signal;
  }
};
std::ostream& operator<<(std::ostream& stream, const ProcessEnd& end);

// A program that a test runs, with everything that it writes kept, or passed on.
//
// Promises: only this one process is ever signalled. It ends with the object at the latest, and
// also when the test itself is killed. ONHOOK_* variables are not handed down: they steer the test.
// Threads: Write(), WaitForOutput() and output() any, the rest one: the one that made the object,
// which must live as long as the program. Blocking: the Wait methods, for the time they are given.
// Errors: a program that cannot be run ends with exit code 127.
class ChildProcess {
 public:
  struct Options {
    // Runs in the child just before the program, so it may do system calls and nothing else; the
    // program is not run if it returns false.
    std::function<bool()> prepare;
    // Gets what the program writes, piece by piece, from a thread of this object; it is not kept.
    std::function<void(absl::string_view)> take_output;
  };

  // `command` is a path and the arguments.
  explicit ChildProcess(std::vector<std::string> command) : ChildProcess(command, Options()) {}
  ChildProcess(std::vector<std::string> command, Options options);
  // Kills the program if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Does nothing once the program's end has been seen.
  void Signal(int signal_number);

  // Writes to the program's standard input, which stays open as long as this object. What a program
  // that is gone, or takes nothing, does not read is lost.
  void Write(absl::string_view text);

  // How the program ended; nothing if it still runs after `timeout`. When it has ended, output() is
  // all that it wrote, and take_output has had it.
  std::optional<ProcessEnd> Wait(absl::Duration timeout);

  // Whether `wanted` came to hold of what was written before `timeout` and before the last byte.
  bool WaitForOutput(const std::function<bool(absl::string_view output)>& wanted,
                     absl::Duration timeout) const;

  // All that the program has written so far to standard output and standard error.
  std::string output() const;

 private:
  void ReadOutput();

  pid_t pid_ = -1;
  int pid_descriptor_ = -1;
  int input_descriptor_ = -1;
  int output_descriptor_ = -1;
  const std::function<void(absl::string_view)> take_output_;
  std::optional<ProcessEnd> end_;
  mutable absl::Mutex mutex_;
  std::string output_ ABSL_GUARDED_BY(mutex_);
  bool output_ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_CHILD_PROCESS_H_
