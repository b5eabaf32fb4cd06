#ifndef ONHOOK_TESTS_FUZZ_FUZZ_TARGET_H_
#define ONHOOK_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// What each file NAME_target.cc defines. Two programs are made of it: fuzz_NAME, which libFuzzer
// drives (only with clang: preset fuzz), and fuzz_NAME_replay, which runs the seeds and the
// checked-in corpus and is an ordinary test of every preset.

// Runs one input; ends the process if it finds a fault. Always 0: no input is uninteresting.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace onhook {

// Inputs to begin with, made of callbacks' bodies: the golden files.
std::vector<std::string> Seeds(const std::vector<std::string>& bodies);

inline absl::string_view BytesOf(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

}  // namespace onhook

// What must hold whatever the input. abort() is what libFuzzer takes for a crash.
#define FUZZ_CHECK(condition)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#endif  // ONHOOK_TESTS_FUZZ_FUZZ_TARGET_H_
