#ifndef ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_
#define ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "clients/cli/command.h"

namespace onhook::cli {

// Says that a connection was lost, and stays silent while trying again brings nothing new: an hour
// without the gateway is one line.
//
// Threads: any.
class ConnectionNews {
 public:
  void Lost(const absl::Status& why) {
    {
      absl::MutexLock lock(&mutex_);
      if (said_ == why.message()) return;
      said_ = std::string(why.message());
    }
    Say(absl::StrCat("connection lost, trying again: ", why.message()));
  }

  // What is lost after this is news again.
  void Opened() {
    absl::MutexLock lock(&mutex_);
    said_.clear();
  }

 private:
  absl::Mutex mutex_;
  std::string said_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_
