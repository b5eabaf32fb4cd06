#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_AND_WAIT_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_AND_WAIT_H_

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "gateway/store/embedded/commit_queue.h"

namespace onhook {

// A commit operation of two functions.
struct CommitSteps {
  // How much it adds to a batch; about what an administrative row takes.
  size_t bytes = 512;
  // Writes its rows. An error fails its batch.
  std::function<absl::Status(Storage&)> apply;
  // It is durable: makes it visible, in the order of the batch. May be null.
  std::function<void()> publish;
  // It is durable, or failed and left nothing behind. May be null.
  std::function<void(const absl::Status&)> finish;
};

void Submit(CommitQueue& commits, CommitSteps steps, CommitQueue::Urgency urgency);

// Commits `apply`, then `publish`, and waits for that. Not to be called from a callback of the
// store. Blocks.
absl::Status CommitAndWait(CommitQueue& commits, std::function<absl::Status(Storage&)> apply,
                           std::function<void()> publish);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_COMMIT_AND_WAIT_H_
