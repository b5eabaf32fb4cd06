#include "gateway/delivery/numbered_id.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {

std::string FormatNumberedId(absl::string_view kind, absl::string_view store_id, int64_t number) {
  return absl::StrCat(kind, "-", store_id, "-", number);
}

std::optional<int64_t> ParseNumberedId(absl::string_view text, absl::string_view kind,
                                       absl::string_view store_id) {
  absl::string_view rest = text;
  int64_t number = 0;
  const bool parsed = absl::ConsumePrefix(&rest, kind) && absl::ConsumePrefix(&rest, "-") &&
                      absl::ConsumePrefix(&rest, store_id) && absl::ConsumePrefix(&rest, "-") &&
                      absl::SimpleAtoi(rest, &number);
  // SimpleAtoi takes more forms than one.
  if (!parsed || number < 1 || FormatNumberedId(kind, store_id, number) != text) {
    return std::nullopt;
  }
  return number;
}

}  // namespace onhook
