#ifndef ONHOOK_CLIENTS_CLI_SEND_LOAD_H_
#define ONHOOK_CLIENTS_CLI_SEND_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/cli/vendor_client.h"

namespace onhook::cli {

// What became of many callbacks.
struct LoadSummary {
  int64_t acknowledged = 0;
  // By what came instead: "HTTP 503", or why no answer came.
  std::map<std::string, int64_t> failures;
  std::vector<absl::Duration> latencies;  // of every answer, in no order
  absl::Duration took;

  int64_t failed() const;
  // A few lines for people.
  std::string Text() const;
};

// Posts `count` callbacks over `concurrency` connections, each of which sends its next when its
// last was answered. `body` makes the n-th, from 0; called from all sending threads at once.
// Blocking: until all are answered or have failed.
LoadSummary SendLoad(const VendorTarget& target, absl::Duration timeout, int64_t count,
                     int64_t concurrency, const std::function<std::string(int64_t n)>& body);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SEND_LOAD_H_
