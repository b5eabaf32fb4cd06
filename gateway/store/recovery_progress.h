#ifndef ONHOOK_GATEWAY_STORE_RECOVERY_PROGRESS_H_
#define ONHOOK_GATEWAY_STORE_RECOVERY_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// How far the opening of a store is, told by whoever opens it and read by whoever waits: nobody is
// to take a long recovery for one that hangs, and end it.
//
// Threads: any. Blocking: never. Errors: none.
class RecoveryProgress {
 public:
  // What is being done from now on: "reads what subscription 3 of 1000 has settled". Empty:
  // nothing.
  void Begin(std::string step);
  // So many rows more were read in this step.
  void CountRows(int64_t rows);

  // The step, and how many rows it has read if it reads any; empty while there is none.
  std::string Text() const;

 private:
  mutable absl::Mutex mutex_;
  std::string step_ ABSL_GUARDED_BY(mutex_);
  int64_t rows_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_RECOVERY_PROGRESS_H_
