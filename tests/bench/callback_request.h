#ifndef ONHOOK_TESTS_BENCH_CALLBACK_REQUEST_H_
#define ONHOOK_TESTS_BENCH_CALLBACK_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// A callback of the vendor's form and size as an HTTP request, made once and then only renumbered.
// Threads: one.
class CallbackRequest {
 public:
  // With so many bytes of body, by a longer callData; its usual size if that is more.
  explicit CallbackRequest(size_t body_bytes = 0);

  // The request whose callSerialNo holds this number; valid until the next call.
  absl::string_view WithNumber(int64_t number);

  // The number in such a callSerialNo; -1 if it is none.
  static int64_t NumberOf(absl::string_view call_serial_no);

  // What the request's body looks like, for whoever stores the like of it.
  std::string body() const { return bytes_.substr(body_at_); }

 private:
  std::string bytes_;
  size_t body_at_;
  size_t digits_at_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_CALLBACK_REQUEST_H_
