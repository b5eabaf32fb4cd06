#ifndef ONHOOK_GATEWAY_BASE_LOG_H_
#define ONHOOK_GATEWAY_BASE_LOG_H_

#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"

namespace onhook {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning" or "error"; anything else is kInvalidArgument.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view name);
absl::string_view LogLevelName(LogLevel level);

// One named value of a log line; a text that is empty is not known, and left out. Never a phone
// number, recording path, callData, body or key.
struct LogField {
  LogField(absl::string_view field_name, absl::string_view text)
      : name(field_name), value(text), is_number(false) {}
  LogField(absl::string_view field_name, const absl::Status& status)
      : name(field_name), value(status.ToString()), is_number(false) {}
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  LogField(absl::string_view field_name, Number number)
      : name(field_name),
        value(absl::StrCat(number)),
        is_number(std::isfinite(static_cast<double>(number))) {}

  absl::string_view name;
  std::string value;
  bool is_number;
};

// The gateway's log: one line an entry, for machines (JSON) or for a terminal (text).
//
// Each has the time (ts, UTC), the level, the component that speaks, what it says (msg), and as far
// as they are known the fields of what it speaks of: event_id, source, subscription, traceparent
// and others, under the same names everywhere. There is one entry for an event at debug only.
//
// Promises: control characters and invalid UTF-8 are escaped, so an entry is one line whatever
// its values hold. An entry below the level costs one load.
// Threads: any; entries are written whole. Blocking: as the sink does. Errors: none.
class Log {
 public:
  enum class Format { kJson, kText };
  // Takes one finished line, without its newline. Called from the writing thread.
  using Sink = std::function<void(absl::string_view line)>;

  // `clock` must outlive the log.
  Log(const Clock* clock, LogLevel level, Format format, Sink sink);

  // JSON on standard error, text when that is a terminal.
  static Format FormatForStandardError();
  static Sink StandardError();

  // The level may be changed at any time, by any thread, and holds from the next entry on.
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  bool enabled(LogLevel level) const { return level >= this->level(); }

  // `component` is the folder of the gateway that speaks: "http", "store", ...
  void Write(LogLevel level, absl::string_view component, absl::string_view message,
             std::initializer_list<LogField> fields = {}) const;

  void Debug(absl::string_view component, absl::string_view message,
             std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kDebug, component, message, fields);
  }
  void Info(absl::string_view component, absl::string_view message,
            std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kInfo, component, message, fields);
  }
  void Warning(absl::string_view component, absl::string_view message,
               std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kWarning, component, message, fields);
  }
  void Error(absl::string_view component, absl::string_view message,
             std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kError, component, message, fields);
  }

 private:
  const Clock* clock_;
  std::atomic<LogLevel> level_;
  Format format_;
  Sink sink_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_LOG_H_
