#include "gateway/base/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

std::string ContentOf(const char* path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

// Of /proc/self/stat, behind the program's name, which may hold anything: see proc(5), whose field
// n is n - 3 here.
constexpr size_t kUserTicks = 14 - 3;
constexpr size_t kSystemTicks = 15 - 3;
constexpr size_t kStartTicks = 22 - 3;
constexpr size_t kVirtualBytes = 23 - 3;
constexpr size_t kResidentPages = 24 - 3;

std::vector<double> StatFields() {
  const std::string stat = ContentOf("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  std::vector<double> fields;
  if (name_end == std::string::npos) return fields;
  for (const absl::string_view field :
       absl::StrSplit(stat.substr(name_end + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    double value = 0;
    const bool is_number = absl::SimpleAtod(field, &value);
    fields.push_back(is_number ? value : 0);
  }
  return fields;
}

// When the machine was started, in seconds since 1970.
std::optional<double> BootTime() {
  for (const absl::string_view line : absl::StrSplit(ContentOf("/proc/stat"), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    double seconds = 0;
    if (words.size() == 2 && words[0] == "btime" && absl::SimpleAtod(words[1], &seconds)) {
      return seconds;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> OpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) return std::nullopt;
  int64_t entries = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): safe on different directories, as glibc says
  while (readdir(directory.get()) != nullptr) ++entries;
  return entries - 3;  // ".", ".." and the one that reads
}

}  // namespace

void ReportProcess(Metrics::Report& report) {
  const std::vector<double> fields = StatFields();
  if (fields.size() > kResidentPages) {
    const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    report.AddCounter("process_cpu_seconds_total", "CPU time that the process has taken.", {},
                      (fields[kUserTicks] + fields[kSystemTicks]) / ticks_per_second);
    if (const std::optional<double> boot = BootTime()) {
      report.AddGauge("process_start_time_seconds",
                      "When the process was started, in seconds since 1970.", {},
                      *boot + fields[kStartTicks] / ticks_per_second);
    }
    report.AddGauge("process_virtual_memory_bytes", "Address space of the process.", {},
                    fields[kVirtualBytes]);
    report.AddGauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", {},
                    fields[kResidentPages] * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  if (const std::optional<int64_t> open = OpenDescriptors()) {
    report.AddGauge("process_open_fds", "Descriptors that the process has open.", {},
                    static_cast<double>(*open));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    report.AddGauge("process_max_fds", "Descriptors that the process may have open.", {},
                    static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace onhook
