#ifndef ONHOOK_TESTS_CRASH_CALL_CONTENT_H_
#define ONHOOK_TESTS_CRASH_CALL_CONTENT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// What the callbacks of one run hold, each by its number: the same in every process, so that what
// comes out of a gateway can be held against what went in. Pure. Threads: any.
class CallContent {
 public:
  // `run` tells the calls of this run from those of others.
  explicit CallContent(std::string run) : run_(std::move(run)) {}

  const std::string& run() const { return run_; }
  std::string CallSerialNo(int64_t number) const;
  std::string Called(int64_t number) const;
  std::string CallData(int64_t number) const;
  std::string ReleaseReason(int64_t number) const;
  // -1: none of this run.
  int64_t NumberOf(absl::string_view call_serial_no) const;

  // Of a callback that lacks what a gateway must ask for, so that no event is to come of it.
  std::string WrongSerialNo(int64_t number) const;
  bool IsWrong(absl::string_view call_serial_no) const;

  // How the event is not what was sent, for the end of a sentence; empty: it is.
  std::string DifferenceFromSent(const v1::ReleaseEvent& event, int64_t number) const;

 private:
  const std::string run_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CALL_CONTENT_H_
