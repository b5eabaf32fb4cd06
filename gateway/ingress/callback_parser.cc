#include "gateway/ingress/callback_parser.h"

#include <simdjson.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/ingress/java_map_callback.h"
#include "gateway/ingress/json_callback.h"

namespace onhook {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Where white space that begins at `at` ends: perhaps behind the text's last byte.
size_t SkipWhiteSpace(absl::string_view text, size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) {
    ++at;
  }
  return at;
}

// Position of the first byte that is no part of valid UTF-8. `text` has one.
size_t FirstInvalidByte(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 1;
    while (length <= 4 && !IsValidUtf8(text.substr(at, length))) ++length;
    if (length > 4) return at;
    at += std::min(length, text.size() - at);
  }
  return at;
}

}  // namespace

absl::StatusOr<VendorFields> ParseCallback(absl::string_view body,
                                           const Settings::CallbackLimits& limits) {
  if (!simdjson::validate_utf8(body.data(), body.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body is not valid UTF-8 at byte ", FirstInvalidByte(body)));
  }
  const size_t start = absl::StartsWith(body, kByteOrderMark) ? kByteOrderMark.size() : 0;
  const size_t brace = SkipWhiteSpace(body, start);
  if (brace == body.size()) return absl::InvalidArgumentError("the body is empty");
  if (body[brace] != '{') {
    return absl::InvalidArgumentError(
        absl::StrCat("the body must be one JSON object or Java map: { expected at byte ", brace));
  }
  const size_t first = SkipWhiteSpace(body, brace + 1);
  const bool json = first < body.size() && (body[first] == '"' || body[first] == '}');
  return json ? ParseJsonCallback(body, brace, limits) : ParseJavaMapCallback(body, brace, limits);
}

}  // namespace onhook
