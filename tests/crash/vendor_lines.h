#ifndef ONHOOK_TESTS_CRASH_VENDOR_LINES_H_
#define ONHOOK_TESTS_CRASH_VENDOR_LINES_H_

#include "absl/strings/string_view.h"

// The lines in which crash_vendor and a test talk over its standard output and input. Words are
// parted by one space. Each line that was read whole is true.
namespace onhook::vendor_lines {

// What the vendor says.
//   opened NUMBER MOMENT    this callback is about to be sent for the first time, then; in
//   nanoseconds
//                           of the clock of consumer_lines.h
//   replied NUMBER ANSWER   it was sent, first or again, and this came of it: a CallbackAnswer
//   wrong NUMBER ANSWER     the same of one that must be refused
//   finished REFUSED OTHERS all that was begun is accepted; so many altered copies were refused,
//   and
//                           so many not
inline constexpr absl::string_view kOpened = "opened";
inline constexpr absl::string_view kReplied = "replied";
inline constexpr absl::string_view kWrong = "wrong";
inline constexpr absl::string_view kFinished = "finished";

// What it is told.
//   gateway GENERATION PORT   there is another one
//   key KEY                   sign with this from now on
//   finish                    begin no further callback
inline constexpr absl::string_view kGateway = "gateway";
inline constexpr absl::string_view kKey = "key ";
inline constexpr absl::string_view kFinish = "finish";

}  // namespace onhook::vendor_lines

#endif  // ONHOOK_TESTS_CRASH_VENDOR_LINES_H_
