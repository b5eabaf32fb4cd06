#ifndef ONHOOK_TESTS_SUPPORT_SAY_LINE_H_
#define ONHOOK_TESTS_SUPPORT_SAY_LINE_H_

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// Writes one line to standard output, whole: a program that a test may kill says so what it does,
// and each line that was read whole is true. Ends the program if nobody listens. Threads: any.
inline void SayLine(absl::string_view line) {
  static absl::Mutex mutex(absl::kConstInit);
  const std::string text = absl::StrCat(line, "\n");
  absl::MutexLock lock(&mutex);
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (count < 0) _exit(1);
    written += static_cast<size_t>(count);
  }
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_SAY_LINE_H_
