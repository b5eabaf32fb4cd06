#ifndef ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_
#define ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "clients/cli/advice.h"
#include "clients/cli/command.h"
#include "onhook/status.h"

namespace onhook::cli {

// Says that a connection was lost, or ended as the gateway planned, and stays silent while trying
// again brings nothing new: an hour without the gateway is one line.
//
// Threads: any.
class ConnectionNews {
 public:
  void Lost(const absl::Status& why) {
    bool is_first = false;
    {
      absl::MutexLock lock(&mutex_);
      if (said_ == why.message()) return;
      is_first = said_.empty();
      said_ = std::string(why.message());
    }
    if (client::ErrorReason(why) == "GOING_AWAY") {
      Say("the gateway ends this stream as planned; reconnecting");
    } else {
      Say(absl::StrCat(is_first ? "connection lost" : "no connection yet",
                       ", trying again: ", Words(why.message()), Advice(why)));
    }
  }

  // What is lost after this is news again.
  void Opened() {
    absl::MutexLock lock(&mutex_);
    said_.clear();
  }

 private:
  // gRPC's own words name socket addresses and each step that failed; the last says why.
  static absl::string_view Words(absl::string_view message) {
    const size_t colon = message.rfind(": ");
    const bool is_of_grpc = absl::StrContains(message, "ipv4:") ||
                            absl::StrContains(message, "ipv6:") ||
                            absl::StrContains(message, "unix:");
    return is_of_grpc && colon != absl::string_view::npos ? message.substr(colon + 2) : message;
  }

  absl::Mutex mutex_;
  std::string said_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_CONNECTION_NEWS_H_
