#ifndef ONHOOK_TESTS_SIMULATION_SIMULATION_TRACE_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATION_TRACE_H_

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {

// What happened in a simulation, line by line, and what was found wrong in it. Two runs of one seed
// have the same hash. Threads: one at a time.
class SimulationTrace {
 public:
  explicit SimulationTrace(bool print) : print_(print) {}

  template <typename... Words>
  void Add(const Words&... words) {
    AddLine(absl::StrCat(words...));
  }
  // A promise that does not hold. A simulation goes on for a while after one, so only the first few
  // are kept.
  template <typename... Words>
  void Find(const Words&... words) {
    std::string sentence = absl::StrCat(words...);
    AddLine(absl::StrCat("FOUND: ", sentence));
    if (findings_.size() < kMostFindings) findings_.push_back(std::move(sentence));
  }

  const std::vector<std::string>& findings() const { return findings_; }
  uint64_t hash() const { return hash_; }
  int64_t lines() const { return lines_; }

 private:
  static constexpr size_t kMostFindings = 10;

  // FNV-1a.
  void AddLine(absl::string_view line) {
    for (const char c : line) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    }
    hash_ = (hash_ ^ '\n') * 0x100000001B3U;
    ++lines_;
    if (print_) std::cout << lines_ << " " << line << "\n";
  }

  const bool print_;
  uint64_t hash_ = 0xCBF29CE484222325U;
  int64_t lines_ = 0;
  std::vector<std::string> findings_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATION_TRACE_H_
