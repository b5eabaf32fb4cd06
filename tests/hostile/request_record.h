#ifndef ONHOOK_TESTS_HOSTILE_REQUEST_RECORD_H_
#define ONHOOK_TESTS_HOSTILE_REQUEST_RECORD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// Knows of every request whether it reached a handler, and whether it was all of that request and
// nothing of another. For that each request has a marker of its own in a header or as its query,
// and may have it in its body too.
//
// Threads: any. Blocking: never.
class RequestRecord {
 public:
  // A marker that nobody has had. All are of one length.
  std::string NewMarker();

  // A well-formed POST that carries `marker` in its header and as its body.
  static std::string RequestOf(absl::string_view marker);

  // Records a request. What its handler should answer.
  std::string Take(absl::string_view marker, absl::string_view body);
  // That answer to RequestOf(marker).
  static std::string AnswerTo(absl::string_view marker);

  int TimesTaken(const std::string& marker) const;
  // Requests that must not have been: without a marker, with the marker of another one, or taken
  // twice. Forgets them.
  std::vector<std::string> TakeFaults();

 private:
  mutable absl::Mutex mutex_;
  int last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> taken_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> faults_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_REQUEST_RECORD_H_
