#ifndef ONHOOK_TESTS_BENCH_BENCH_ARGUMENTS_H_
#define ONHOOK_TESTS_BENCH_BENCH_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// The flags of a measuring program: NAME=VALUE, or NAME alone. A number that is none ends the
// program with exit code 2.
class BenchArguments {
 public:
  BenchArguments(int argc, char** argv) : all_(argv + 1, argv + argc) {}

  double Number(absl::string_view name, double otherwise) const;
  int Integer(absl::string_view name, int otherwise) const {
    return static_cast<int>(Number(name, otherwise));
  }
  std::string Text(absl::string_view name) const;
  bool Has(absl::string_view name) const;

 private:
  const std::vector<std::string> all_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_BENCH_ARGUMENTS_H_
