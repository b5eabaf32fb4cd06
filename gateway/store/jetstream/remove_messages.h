#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_REMOVE_MESSAGES_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_REMOVE_MESSAGES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/store/jetstream/jetstream_api.h"

namespace onhook {

// What became of messages that were to be deleted, each list in no order.
struct RemovedMessages {
  std::vector<int64_t> removed;  // by us
  std::vector<int64_t> absent;   // there was no such message (any more)
  std::vector<int64_t> unknown;  // not answered for, or not asked for after one was not
  absl::Status status;           // why `unknown` is not empty
};

// Deletes messages of a stream by their sequences, 64 at a time, and stops at the first that cannot
// be answered for. Threads: any; `done` comes from one of the connection's, or, where there are no
// ids, from the caller's. Blocking: never.
void RemoveMessages(JetStreamApi* api, const std::string& stream, std::vector<int64_t> sequences,
                    std::function<void(RemovedMessages)> done);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_REMOVE_MESSAGES_H_
