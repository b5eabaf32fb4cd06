#ifndef ONHOOK_TESTS_SUPPORT_WHOLE_LINES_H_
#define ONHOOK_TESTS_SUPPORT_WHOLE_LINES_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {

// Makes lines of what a process writes, however it comes in pieces. What has no end yet waits for
// the rest of it: of a process that was killed, each line that was given was written whole.
// Threads: one.
class WholeLines {
 public:
  // Calls `take` with each line that `output` completes, without its end.
  template <typename TakeLine>
  void Take(absl::string_view output, TakeLine take) {
    while (true) {
      const size_t end = output.find('\n');
      if (end == absl::string_view::npos) break;
      absl::StrAppend(&unfinished_, output.substr(0, end));
      take(absl::string_view(unfinished_));
      unfinished_.clear();
      output.remove_prefix(end + 1);
    }
    absl::StrAppend(&unfinished_, output);
  }

 private:
  std::string unfinished_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_WHOLE_LINES_H_
