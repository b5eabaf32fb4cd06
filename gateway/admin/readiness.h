#ifndef ONHOOK_GATEWAY_ADMIN_READINESS_H_
#define ONHOOK_GATEWAY_ADMIN_READINESS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// Whether callbacks should be sent here: a set of named conditions, all of which must hold. That
// nobody subscribes is none of them: events are stored all the same, and another gateway would not
// help.
//
// Threads: any. Blocking: as the checks do. Errors: none.
class Readiness {
 public:
  // Asked on each probe, by any thread, several at once; must not block. The message of an error
  // is shown.
  using Check = std::function<absl::Status()>;

  // Adds a condition, for good.
  void Require(std::string name, Check check);

  // One line for each condition that does not hold, "NAME: REASON", in the order they were added.
  // Empty means ready.
  std::vector<std::string> Unmet() const;

 private:
  struct Condition {
    std::string name;
    Check check;
  };

  mutable absl::Mutex mutex_;
  std::vector<Condition> conditions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_READINESS_H_
