#ifndef ONHOOK_TESTS_FUZZ_SPLITS_H_
#define ONHOOK_TESTS_FUZZ_SPLITS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// Where pieces of `bytes` end, as a network might have cut them: one piece, single bytes, and
// pieces whose sizes follow from the bytes, so that an input always means the same run.
inline std::vector<std::vector<size_t>> SplitsOf(absl::string_view bytes) {
  std::vector<std::vector<size_t>> splits = {{bytes.size()}, {}, {}};
  for (size_t end = 1; end <= bytes.size(); ++end) splits[1].push_back(end);
  std::minstd_rand random;
  for (char byte : bytes) random.seed(random() ^ static_cast<unsigned char>(byte));
  for (size_t end = 0; end < bytes.size();) {
    end += 1 + random() % 17;
    splits[2].push_back(end < bytes.size() ? end : bytes.size());
  }
  return splits;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_FUZZ_SPLITS_H_
