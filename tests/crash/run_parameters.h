#ifndef ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_
#define ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace onhook {

// A number that the environment gives, such as the length of a run.
inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// The words of a list, parted by commas, that the environment gives; empty: it gives none.
inline std::vector<std::string> WordsFromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return {};
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

// Another one for each run unless the environment gives it; printed, so that it can.
inline uint64_t SeedOfRun() {
  const uint64_t seed = FromEnvironment("ONHOOK_SEED", std::random_device()());
  std::cout << "to see it again: ONHOOK_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_
