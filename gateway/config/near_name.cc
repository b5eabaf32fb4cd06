#include "gateway/config/near_name.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// No name is longer, and a key of a file may be as long as the file.
constexpr size_t kLongest = 80;
constexpr size_t kMostSlips = 2;
// A short name with two slips is another name.
constexpr size_t kLettersOfASlip = 3;

// How many slips turn `a` into `b`: the optimal string alignment distance.
size_t SlipsBetween(absl::string_view a, absl::string_view b) {
  // rows[i][j]: between the first i of `a` and the first j of `b`.
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t another = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({another, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string NearName(absl::string_view name, absl::Span<const std::string> names) {
  if (name.size() > kLongest) return "";
  size_t fewest = std::min(kMostSlips, name.size() / kLettersOfASlip) + 1;
  std::string nearest;
  for (const std::string& candidate : names) {
    const size_t slips = SlipsBetween(name, candidate);
    if (slips >= fewest) continue;
    fewest = slips;
    nearest = candidate;
  }
  return nearest;
}

std::string NoSuch(absl::string_view what, absl::string_view name,
                   absl::Span<const std::string> names, absl::string_view place) {
  const std::string near = NearName(name, names);
  if (near.empty()) return absl::StrCat("no such ", what, "; see ", place);
  return absl::StrCat("no such ", what, "; did you mean ", near, "? See ", place);
}

}  // namespace onhook
