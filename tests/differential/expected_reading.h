#ifndef ONHOOK_TESTS_DIFFERENTIAL_EXPECTED_READING_H_
#define ONHOOK_TESTS_DIFFERENTIAL_EXPECTED_READING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tests/differential/json_reading.h"

namespace onhook {

// Texts that are to be refused although a library takes them, so that the two differ or are wrong
// together.
struct Departure {
  absl::string_view library;
  absl::string_view what;  // it does
  absl::string_view rule;  // it breaks
  absl::string_view example;
  bool (*applies)(absl::string_view text);
};
absl::Span<const Departure> Departures();

// How a callback's body has to be read: as the two libraries agree to read it (where they do not,
// by RFC 8259: Departures), and then by the rules of ours that json_callback.h and
// callback_parser.h add. An error that begins with "undecided" is no verdict: the libraries
// disagree and no departure says why.
JsonReading ExpectedReading(absl::string_view body);

// What differs between two readings, in words; empty if nothing does. Errors may differ.
std::string Difference(const JsonReading& expected, const JsonReading& actual);

}  // namespace onhook

#endif  // ONHOOK_TESTS_DIFFERENTIAL_EXPECTED_READING_H_
