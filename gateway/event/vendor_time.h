#ifndef ONHOOK_GATEWAY_EVENT_VENDOR_TIME_H_
#define ONHOOK_GATEWAY_EVENT_VENDOR_TIME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace onhook {

// The vendor's way of writing times and durations, and back.
//
// Promise: what is parsed can be written again letter by letter, Format(Parse(x)) is x. A text
// that cannot (a day that does not exist, a time that a clock set forward leaves out, "007") is
// not parsed, so that a typed value never stands for words that were not sent.
// Pure functions. Threads: any. Blocking: never. Errors: nothing, for a text that is refused.

// A time of the form `2022/02/22,10:04:28:823`, read in `zone`. Where a clock set back makes it
// occur twice, the earlier one is meant. Covers what a protobuf Timestamp can hold: the years 1 to
// 9999 in UTC.
absl::optional<absl::Time> ParseVendorTime(absl::string_view text, absl::TimeZone zone);

// `time` in the vendor's form, in `zone`; what is finer than a millisecond is cut off.
std::string FormatVendorTime(absl::Time time, absl::TimeZone zone);

// A whole number of seconds, not negative, without leading zero or sign; up to 10,000 years.
absl::optional<absl::Duration> ParseVendorDuration(absl::string_view text);

// `duration` in whole seconds; what is finer is cut off.
std::string FormatVendorDuration(absl::Duration duration);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_VENDOR_TIME_H_
