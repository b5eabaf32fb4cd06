#include "gateway/base/log.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/time/time.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

constexpr absl::string_view kNames[] = {"debug", "info", "warning", "error"};

void AppendValue(const LogField& field, std::string& line) {
  if (field.is_number) {
    line.append(field.value);
  } else {
    AppendJsonString(field.value, line);
  }
}

std::string Timestamp(const Clock& clock) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock.Now(), absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  }
  return absl::InvalidArgumentError("must be debug, info, warning or error");
}

absl::string_view LogLevelName(LogLevel level) { return kNames[static_cast<size_t>(level)]; }

Log::Log(const Clock* clock, LogLevel level, Format format, Sink sink)
    : clock_(clock), level_(level), format_(format), sink_(std::move(sink)) {}

Log::Format Log::FormatForStandardError() {
  return isatty(STDERR_FILENO) != 0 ? Format::kText : Format::kJson;
}

Log::Sink Log::StandardError() {
  return [](absl::string_view line) {
    std::string whole(line);
    whole.push_back('\n');
    // One write a line: lines of several threads never mix.
    std::fwrite(whole.data(), 1, whole.size(), stderr);
  };
}

void Log::Write(LogLevel level, absl::string_view component, absl::string_view message,
                std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  std::string line;
  if (format_ == Format::kJson) {
    absl::StrAppend(&line, R"({"ts":")", Timestamp(*clock_), R"(","level":")", LogLevelName(level),
                    R"(","component":)");
    AppendJsonString(component, line);
    line.append(R"(,"msg":)");
    AppendJsonString(message, line);
    for (const LogField& field : fields) {
      if (field.value.empty()) continue;
      line.push_back(',');
      AppendJsonString(field.name, line);
      line.push_back(':');
      AppendValue(field, line);
    }
    line.push_back('}');
  } else {
    absl::StrAppend(&line, Timestamp(*clock_), " ", LogLevelName(level), " ", component, ": ");
    AppendPrintable(message, line);
    for (const LogField& field : fields) {
      if (field.value.empty()) continue;
      absl::StrAppend(&line, " ", field.name, "=");
      AppendValue(field, line);
    }
  }
  sink_(line);
}

}  // namespace onhook
