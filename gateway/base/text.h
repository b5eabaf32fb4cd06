#ifndef ONHOOK_GATEWAY_BASE_TEXT_H_
#define ONHOOK_GATEWAY_BASE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// Appends `text` to `out` as a JSON string, quotes included. Control characters, those of
// U+0080 to U+009F too, and what Unicode takes for the end of a line are escaped; a byte that is no
// part of valid UTF-8 becomes U+FFFD, so the result is always valid JSON.
void AppendJsonString(absl::string_view text, std::string& out);

// The same without quotes, for people to read: quotes and backslashes stand as they are.
void AppendPrintable(absl::string_view text, std::string& out);

// Whether `text` is valid UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool IsValidUtf8(absl::string_view text);

// The number of code points in `text`, which must be valid UTF-8.
size_t CountCodePoints(absl::string_view text);

// The first code points of `text`, which must be valid UTF-8: so many at most, none cut in two.
absl::string_view FirstCodePoints(absl::string_view text, size_t most);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_TEXT_H_
