#include "gateway/delivery/cursor.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

constexpr absl::string_view kPrefix = "c1-";
constexpr size_t kStoreIdLength = 16;

bool IsStoreId(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

bool ParseSequence(absl::string_view digits, Sequence* sequence) {
  const bool only_digits =
      std::all_of(digits.begin(), digits.end(), [](char c) { return absl::ascii_isdigit(c); });
  // Only the shortest form, so that equal places have equal cursors.
  const bool shortest = digits == "0" || !absl::StartsWith(digits, "0");
  return !digits.empty() && only_digits && shortest && absl::SimpleAtoi(digits, sequence);
}

}  // namespace

std::string FormatCursor(absl::string_view store_id, Sequence sequence) {
  return absl::StrCat(kPrefix, store_id, "-", sequence);
}

absl::StatusOr<Sequence> ParseCursor(absl::string_view text, absl::string_view store_id) {
  Sequence sequence = 0;
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, kPrefix) || rest.size() <= kStoreIdLength + 1 ||
      rest[kStoreIdLength] != '-' || !IsStoreId(rest.substr(0, kStoreIdLength)) ||
      !ParseSequence(rest.substr(kStoreIdLength + 1), &sequence)) {
    return absl::InvalidArgumentError("not a cursor of this service");
  }
  if (rest.substr(0, kStoreIdLength) != store_id) {
    return absl::FailedPreconditionError(
        "the cursor belongs to another store; start from a position or a time instead");
  }
  return sequence;
}

}  // namespace onhook
