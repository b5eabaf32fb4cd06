#ifndef ONHOOK_GATEWAY_CONFIG_SETTING_VALUES_H_
#define ONHOOK_GATEWAY_CONFIG_SETTING_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook {

// How the values of settings are written, for every place they may come from.
//
// Strict on purpose: a number without its unit or a size in "MB" is refused rather than guessed.
// Each Parse function gives kInvalidArgument with a message that completes "the value ...", for
// instance "must be true or false"; each Format function gives text that its Parse takes.
//
// Threads: any; pure. Blocking: never.

// A value that is wrong, as a fault shows it: in quotes, on one line, and not without end.
std::string QuotedValue(absl::string_view value);

// Where something listens. Port 0 lets the system choose.
struct HostPort {
  std::string host;  // an IPv4 or IPv6 address without brackets, or a name
  int port = 0;
};

// "HOST:PORT", or "[HOST]:PORT" for IPv6.
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text);
std::string FormatHostPort(const HostPort& address);

// Whether only this machine can reach it: 127.0.0.0/8, ::1 or "localhost". Another name is not
// looked up, and counts as reachable.
bool IsLoopback(const HostPort& address);

// A whole number and its unit: ms, s, m, h or d (of 24 hours). Up to 9 digits.
absl::StatusOr<absl::Duration> ParseDurationValue(absl::string_view text);
// Of a duration in whole milliseconds, not negative; in the largest unit that leaves no rest.
std::string FormatDurationValue(absl::Duration duration);

// A whole number from 1 and its unit: B, KiB, MiB, GiB or TiB.
absl::StatusOr<size_t> ParseByteCount(absl::string_view text);
std::string FormatByteCount(size_t bytes);

// Digits alone, up to 9.
absl::StatusOr<int64_t> ParseWholeNumber(absl::string_view text);

// "true" or "false".
absl::StatusOr<bool> ParseBoolean(absl::string_view text);
std::string FormatBoolean(bool value);

// The path of a file or directory, absolute or not; only empty text and zero bytes are wrong.
absl::StatusOr<std::string> ParsePath(absl::string_view text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTING_VALUES_H_
