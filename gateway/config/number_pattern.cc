#include "gateway/config/number_pattern.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhook {
namespace {

// 10 to the power of `digits`.
int64_t PowerOfTen(int digits) {
  int64_t power = 1;
  for (int i = 0; i < digits; ++i) power *= 10;
  return power;
}

// Where [least, most] is cut, so that within each part the numbers are as long as each other and
// differ only from some digit on, where all digits of a range occur: the last number of each part.
std::set<int64_t> LastOfParts(int64_t least, int64_t most) {
  std::set<int64_t> lasts = {most};
  for (int digits = 1;; ++digits) {
    const int64_t power = PowerOfTen(digits);
    const int64_t last = least / power * power + (power - 1);  // its last digits are nines
    if (last >= most) break;
    lasts.insert(last);
  }
  for (int digits = 1;; ++digits) {
    const int64_t power = PowerOfTen(digits);
    const int64_t last = (most + 1) / power * power - 1;  // the next one's last digits are zeros
    if (last < least) break;
    lasts.insert(last);
  }
  return lasts;
}

std::string PatternOfPart(const std::string& first, const std::string& last) {
  std::string pattern;
  size_t at = 0;
  while (at < first.size() && first[at] == last[at]) pattern += first[at++];
  if (at < first.size() && !(first[at] == '0' && last[at] == '9')) {
    absl::StrAppend(&pattern, "[", std::string(1, first[at]), "-", std::string(1, last[at]), "]");
    ++at;
  }
  const size_t any = first.size() - at;
  if (any > 0) absl::StrAppend(&pattern, "[0-9]");
  if (any > 1) absl::StrAppend(&pattern, "{", any, "}");
  return pattern;
}

}  // namespace

std::string NumberPattern(int64_t least, int64_t most) {
  std::vector<std::string> parts;
  int64_t first = least;
  for (const int64_t last : LastOfParts(least, most)) {
    parts.push_back(PatternOfPart(absl::StrCat(first), absl::StrCat(last)));
    first = last + 1;
  }
  return absl::StrCat("0*(?:", absl::StrJoin(parts, "|"), ")");
}

}  // namespace onhook
