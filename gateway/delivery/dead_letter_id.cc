#include "gateway/delivery/dead_letter_id.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {

std::string FormatDeadLetterId(absl::string_view store_id, int64_t id) {
  return absl::StrCat("d1-", store_id, "-", id);
}

std::optional<int64_t> ParseDeadLetterId(absl::string_view text, absl::string_view store_id) {
  absl::string_view number = text;
  int64_t id = 0;
  const bool parsed = absl::ConsumePrefix(&number, "d1-") &&
                      absl::ConsumePrefix(&number, store_id) && absl::ConsumePrefix(&number, "-") &&
                      absl::SimpleAtoi(number, &id);
  // SimpleAtoi takes more forms than one.
  if (!parsed || id < 1 || FormatDeadLetterId(store_id, id) != text) return std::nullopt;
  return id;
}

}  // namespace onhook
