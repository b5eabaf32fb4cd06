#ifndef ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_
#define ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

#include "absl/strings/numbers.h"

namespace onhook {

// A number that the environment gives, such as the length of a run.
inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// Another one for each run unless the environment gives it; printed, so that it can.
inline uint64_t SeedOfRun() {
  const uint64_t seed = FromEnvironment("ONHOOK_SEED", std::random_device()());
  std::cout << "to see it again: ONHOOK_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_RUN_PARAMETERS_H_
