#include "tests/bench/bench_arguments.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhook {

double BenchArguments::Number(absl::string_view name, double otherwise) const {
  double number = otherwise;
  const std::string text = Text(name);
  if (!text.empty() && !absl::SimpleAtod(text, &number)) {
    std::fprintf(stderr, "--%s is no number\n", std::string(name).c_str());
    std::exit(2);
  }
  return number;
}

std::string BenchArguments::Text(absl::string_view name) const {
  const std::string prefix = absl::StrCat("--", name, "=");
  for (const std::string& each : all_) {
    if (absl::StartsWith(each, prefix)) return each.substr(prefix.size());
  }
  return "";
}

bool BenchArguments::Has(absl::string_view name) const {
  for (const std::string& each : all_) {
    if (each == absl::StrCat("--", name)) return true;
  }
  return false;
}

}  // namespace onhook
