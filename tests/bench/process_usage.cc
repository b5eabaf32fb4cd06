#include "tests/bench/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace onhook {
namespace {

// Places in /proc/PID/stat, counted from the state, which follows the name in brackets.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr size_t kResidentPages = 21;

int64_t NumberAt(const std::vector<absl::string_view>& fields, size_t place) {
  int64_t number = 0;
  return place < fields.size() && absl::SimpleAtoi(fields[place], &number) ? number : 0;
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t name_end = text.rfind(") ");
  if (name_end == std::string::npos) return {};
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(text).substr(name_end + 2), ' ');
  const absl::Duration tick = absl::Seconds(1) / sysconf(_SC_CLK_TCK);
  ProcessUsage usage;
  usage.user = tick * NumberAt(fields, kUserTicks);
  usage.system = tick * NumberAt(fields, kSystemTicks);
  usage.resident_bytes = NumberAt(fields, kResidentPages) * sysconf(_SC_PAGESIZE);
  return usage;
}

}  // namespace onhook
