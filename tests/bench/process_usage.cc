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

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Of /proc/PID/status, in its unit: KiB.
int64_t PeakResidentKib(absl::string_view status) {
  constexpr absl::string_view kName = "VmHWM:";
  const size_t at = status.find(kName);
  if (at == absl::string_view::npos) return 0;
  const absl::string_view line = status.substr(at + kName.size());
  int64_t kib = 0;
  return absl::SimpleAtoi(line.substr(0, line.find("kB")), &kib) ? kib : 0;
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  const std::string text = ContentOf(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = text.rfind(") ");
  if (name_end == std::string::npos) return {};
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(text).substr(name_end + 2), ' ');
  const absl::Duration tick = absl::Seconds(1) / sysconf(_SC_CLK_TCK);
  ProcessUsage usage;
  usage.user = tick * NumberAt(fields, kUserTicks);
  usage.system = tick * NumberAt(fields, kSystemTicks);
  usage.resident_bytes = NumberAt(fields, kResidentPages) * sysconf(_SC_PAGESIZE);
  usage.peak_resident_bytes = PeakResidentKib(ContentOf(absl::StrCat("/proc/", pid, "/status")))
                              << 10;
  return usage;
}

}  // namespace onhook
