// Runs a fuzz target over its seeds and over files, without libFuzzer.
//
//   fuzz_NAME_replay GOLDEN_DIRECTORY [FILE_OR_DIRECTORY...]   runs all of them
//   fuzz_NAME_replay --write-seeds DIRECTORY GOLDEN_DIRECTORY  writes the seeds for libFuzzer
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Every file at or below `path`, in one order on every machine.
std::vector<fs::path> FilesAt(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_regular_file(path)) files.push_back(path);
  if (!fs::is_directory(path)) return files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> SeedsOf(const fs::path& golden) {
  std::vector<std::string> bodies;
  for (const fs::path& file : FilesAt(golden)) {
    if (file.stem() == "request") bodies.push_back(ReadFile(file));
  }
  return Seeds(bodies);
}

void Run(const std::string& input) {
  // A copy of just that size: the sanitizer sees who reads behind it.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int WriteSeeds(const fs::path& directory, const fs::path& golden) {
  fs::create_directories(directory);
  int written = 0;
  for (const std::string& seed : SeedsOf(golden)) {
    std::ofstream file(directory / ("seed" + std::to_string(written)), std::ios::binary);
    file << seed;
    ++written;
  }
  std::printf("%d seeds\n", written);
  return written > 0 ? 0 : 1;
}

int Replay(const std::vector<std::string>& arguments) {
  const std::vector<std::string> seeds = SeedsOf(arguments[0]);
  for (const std::string& seed : seeds) Run(seed);
  size_t files = 0;
  for (size_t i = 1; i < arguments.size(); ++i) {
    for (const fs::path& file : FilesAt(arguments[i])) {
      // Said before: whoever reads the crash wants to know.
      std::fprintf(stderr, "%s\n", file.c_str());
      Run(ReadFile(file));
      ++files;
    }
  }
  std::printf("%zu seeds, %zu files\n", seeds.size(), files);
  const bool corpus_is_missing = arguments.size() > 1 && files == 0;
  return seeds.empty() || corpus_is_missing ? 1 : 0;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--write-seeds") {
    return onhook::WriteSeeds(arguments[1], arguments[2]);
  }
  if (!arguments.empty()) return onhook::Replay(arguments);
  std::fprintf(stderr, "usage: %s GOLDEN_DIRECTORY [FILE_OR_DIRECTORY...]\n", argv[0]);
  return 2;
}
