#ifndef ONHOOK_TESTS_DIFFERENTIAL_JSON_BODIES_H_
#define ONHOOK_TESTS_DIFFERENTIAL_JSON_BODIES_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// An endless row of bodies, the same for each seed: some are JSON as a callback may have it, with
// all that the grammar allows; some are those, or given ones, after mutations.
class JsonBodies {
 public:
  // `given` are bodies to mutate; there is at least one.
  JsonBodies(uint64_t seed, std::vector<std::string> given)
      : random_(seed), given_(std::move(given)) {}

  // At most 64 KiB.
  std::string Next();

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool OneIn(uint64_t bound) { return Below(bound) == 0; }

  std::string Object(size_t members, int depth);
  std::string Array(int depth);
  std::string Value(int depth);
  std::string Name(size_t index);
  std::string String();
  std::string Number();
  std::string Digits(size_t most);
  std::string Space();
  void Mutate(std::string& body);

  std::mt19937_64 random_;
  const std::vector<std::string> given_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_DIFFERENTIAL_JSON_BODIES_H_
