#ifndef ONHOOK_CLIENTS_CLI_EVENT_COMMAND_H_
#define ONHOOK_CLIENTS_CLI_EVENT_COMMAND_H_

#include <sys/types.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "onhook/settlement.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::cli {

// The command that `onhook subscribe --exec` runs for each event.
//
// It is run by /bin/sh -c. Its standard input is a file that holds the Delivery as one line of
// JSON, unmasked: it may read all, some or nothing of it. Standard output and error are this
// program's. The environment has ONHOOK_EVENT_ID, ONHOOK_DELIVERY_ID, ONHOOK_ATTEMPT and
// ONHOOK_SUBSCRIPTION in addition, and TRACEPARENT where the event has one. It is a process group
// of its own, so that a Ctrl-C meant for this program does not reach it.
//
// Threads: any, on every method.
class EventCommand {
 public:
  EventCommand(std::string command, std::string subscription)
      : command_(std::move(command)), subscription_(std::move(subscription)) {}

  // Runs it for one delivery and says what becomes of the event; one that cannot be started is
  // retried. Blocking: until the command has ended.
  client::Settlement Run(const v1::Delivery& delivery);

  // How many run now.
  size_t running() const;

  // Ends those that run, with SIGTERM to each group. Blocking: never.
  void Terminate();

 private:
  mutable absl::Mutex mutex_;
  std::set<pid_t> groups_ ABSL_GUARDED_BY(mutex_);

  const std::string command_;
  const std::string subscription_;
};

// What a command's end (of waitpid) means: exit code 0 acknowledges, 65 (EX_DATAERR of sysexits.h)
// parks, anything else and a signal ask for another try, the reason saying which.
client::Settlement SettlementOfEnd(int wait_status);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_EVENT_COMMAND_H_
