#include "gateway/access/name_pattern.h"

#include "absl/strings/strip.h"

namespace onhook {

bool MatchesName(absl::string_view pattern, absl::string_view name) {
  constexpr char kAny = '*';
  const size_t first = pattern.find(kAny);
  if (first == absl::string_view::npos) return pattern == name;
  const size_t last = pattern.rfind(kAny);
  if (!absl::ConsumePrefix(&name, pattern.substr(0, first))) return false;
  if (!absl::ConsumeSuffix(&name, pattern.substr(last + 1))) return false;
  // What stands between stars, in its order.
  absl::string_view middle = pattern.substr(first, last - first);
  while (!middle.empty()) {
    middle.remove_prefix(1);  // the star before it
    const absl::string_view part = middle.substr(0, middle.find(kAny));
    const size_t place = name.find(part);
    if (place == absl::string_view::npos) return false;
    name.remove_prefix(place + part.size());
    middle.remove_prefix(part.size());
  }
  return true;
}

}  // namespace onhook
