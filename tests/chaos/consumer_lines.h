#ifndef ONHOOK_TESTS_CHAOS_CONSUMER_LINES_H_
#define ONHOOK_TESTS_CHAOS_CONSUMER_LINES_H_

#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The lines in which chaos_consumer and a test talk over its standard output and input. Words are
// parted by one space; a CALL is an event's call_serial_no; a MOMENT is read by ParseMoment().
//
// A consumer may be killed between any two instructions, so it says of what it is about to do that
// it is about to, and of what has happened that it has: each line that was read whole is true.
namespace onhook::consumer_lines {

// What a consumer says.
//   stream GATEWAY MOMENT        a stream to the GATEWAYth gateway is about to be opened
//   received DELIVERY            a v1.Delivery, serialised, in web-safe base64
//   asking KIND CALL...          a request is about to be written; KIND is a word of its own choice
//   done KIND ASKED READ CALL... these were not excepted in the answer, which was read at READ; the
//                                request was written after ASKED
//   refused KIND RESULT CALL     this one was, for that reason
//   ended CODE MESSAGE           the stream is gone
inline constexpr absl::string_view kStream = "stream";
inline constexpr absl::string_view kReceived = "received";
inline constexpr absl::string_view kAsking = "asking";
inline constexpr absl::string_view kDone = "done";
inline constexpr absl::string_view kRefused = "refused";
inline constexpr absl::string_view kEnded = "ended";

// What it is told.
//   gateway GATEWAY PORT  there is another one
//   behave                from now on, ack what comes and do nothing else
//   leave                 half-close, and end with exit code 0
inline constexpr absl::string_view kGateway = "gateway";
inline constexpr absl::string_view kBehave = "behave";
inline constexpr absl::string_view kLeave = "leave";

inline std::string FormatMoment(absl::Duration elapsed) {
  return absl::StrCat(absl::ToInt64Nanoseconds(elapsed));
}
// False: it is none.
inline bool ParseMoment(absl::string_view text, absl::Duration& elapsed) {
  int64_t nanoseconds = 0;
  if (!absl::SimpleAtoi(text, &nanoseconds)) return false;
  elapsed = absl::Nanoseconds(nanoseconds);
  return true;
}

}  // namespace onhook::consumer_lines

#endif  // ONHOOK_TESTS_CHAOS_CONSUMER_LINES_H_
