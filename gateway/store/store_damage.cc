#include "gateway/store/store_damage.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace onhook {
namespace {

constexpr absl::string_view kMark = "onhook.store_damage";

}  // namespace

absl::Status StoreDamage(absl::string_view message, absl::string_view advice) {
  absl::Status status = absl::DataLossError(advice.empty() ? std::string(message)
                                                           : absl::StrCat(message, ". ", advice));
  status.SetPayload(kMark, absl::Cord(advice));
  return status;
}

absl::Status WithAdvice(const absl::Status& status, absl::string_view advice) {
  const absl::optional<absl::Cord> mark = status.GetPayload(kMark);
  if (!mark.has_value() || !mark->empty()) return status;
  return StoreDamage(status.message(), advice);
}

bool IsStoreDamage(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

DamageText TextOfDamage(const absl::Status& damage) {
  DamageText text;
  text.advice = std::string(damage.GetPayload(kMark).value_or(absl::Cord()));
  text.what = std::string(damage.message());
  if (!text.advice.empty()) text.what.resize(text.what.size() - text.advice.size() - 2);
  return text;
}

}  // namespace onhook
