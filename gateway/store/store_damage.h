#ifndef ONHOOK_GATEWAY_STORE_STORE_DAMAGE_H_
#define ONHOOK_GATEWAY_STORE_STORE_DAMAGE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook {

// A store's kDataLoss is one of two things, and what helps differs. The disk failed while it was
// written to: nobody knows what is on it, and who opens the store anew finds out. Or what is on it
// is damaged, incomplete, or of another version: opening it anew shows the same, until somebody
// looks.

// kDataLoss of the second sort. `advice`: what a person can do; behind the message, if it is known.
absl::Status StoreDamage(absl::string_view message, absl::string_view advice = "");
// The same damage with this advice, if it has none yet. Any other status as it is.
absl::Status WithAdvice(const absl::Status& status, absl::string_view advice);

bool IsStoreDamage(const absl::Status& status);

// The two parts of a damage's message; `advice` may be empty.
struct DamageText {
  std::string what;
  std::string advice;
};
DamageText TextOfDamage(const absl::Status& damage);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_STORE_DAMAGE_H_
