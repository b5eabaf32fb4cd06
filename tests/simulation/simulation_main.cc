// Runs simulations: `simulation FIRST_SEED [COUNT] [--trace]`. Ends with the first seed that finds
// something: exit code 1, and the command that shows it again. Wrong gateways are linked into
// programs of this kind, too: simulation_NAME.

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "tests/simulation/simulation.h"
#include "tests/support/temporary_directory.h"

namespace {

int Usage() {
  std::cerr << "simulation FIRST_SEED [COUNT] [--trace]\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<uint64_t> numbers;
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    uint64_t number = 0;
    if (std::string(argv[i]) == "--trace") {
      trace = true;
    } else if (absl::SimpleAtoi(argv[i], &number)) {
      numbers.push_back(number);
    } else {
      return Usage();
    }
  }
  if (numbers.empty()) return Usage();
  const uint64_t count = numbers.size() > 1 ? numbers[1] : 1;
  const onhook::TemporaryDirectory directory;
  onhook::Simulation::Result all;
  for (uint64_t seed = numbers[0]; seed < numbers[0] + count; ++seed) {
    const auto result = onhook::Simulation::Run(seed, directory.path(), trace);
    for (const std::string& finding : result.findings) std::cout << finding << "\n";
    if (!result.findings.empty()) {
      std::cout << "found by seed " << seed << " after " << seed - numbers[0] + 1
                << " seeds; to see it again: " << argv[0] << " " << seed << " --trace" << std::endl;
      return 1;
    }
    all.trace_hash = all.trace_hash * 31 + result.trace_hash;
    all.promises += result.promises;
    all.deliveries += result.deliveries;
    all.processes += result.processes;
    all.power_cuts += result.power_cuts;
    all.failures += result.failures;
  }
  std::cout << count << " seeds: " << all.promises << " promises, " << all.deliveries
            << " deliveries, " << all.processes << " processes, " << all.power_cuts
            << " power cuts, " << all.failures << " errors of the disk; trace hash "
            << all.trace_hash << std::endl;
  return 0;
}
