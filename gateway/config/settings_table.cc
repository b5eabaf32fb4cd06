#include "gateway/config/settings_table.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gateway/base/log.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

using When = Settings::Acknowledge::When;

// How the values of one kind are written.
template <typename Value>
struct Kind {
  absl::string_view form;
  absl::StatusOr<Value> (*parse)(absl::string_view);
  std::string (*format)(const Value&);
};

// Kept as it was written, once it is known to be an address.
absl::StatusOr<std::string> ParseAddress(absl::string_view text) {
  const absl::StatusOr<HostPort> address = ParseHostPort(text);
  if (!address.ok()) return address.status();
  return std::string(text);
}

absl::StatusOr<When> ParseWhen(absl::string_view text) {
  if (text == "forwarded") return When::kForwarded;
  if (text == "stored") return When::kStored;
  if (text == "processed") return When::kProcessed;
  return absl::InvalidArgumentError("must be forwarded, stored or processed");
}

std::string FormatWhen(const When& when) {
  switch (when) {
    case When::kForwarded:
      return "forwarded";
    case When::kStored:
      return "stored";
    case When::kProcessed:
      return "processed";
  }
  return "";
}

const Kind<std::string> kAddress{"HOST:PORT", ParseAddress, [](const auto& v) { return v; }};
const Kind<std::string> kDirectory{"DIRECTORY", ParsePath, [](const auto& v) { return v; }};
const Kind<bool> kBoolean{"true|false", ParseBoolean,
                          [](const bool& v) { return FormatBoolean(v); }};
const Kind<absl::Duration> kDuration{
    "DURATION", ParseDurationValue, [](const absl::Duration& v) { return FormatDurationValue(v); }};
const Kind<size_t> kByteCount{"BYTES", ParseByteCount,
                              [](const size_t& v) { return FormatByteCount(v); }};
const Kind<LogLevel> kLogLevel{"debug|info|warning|error", ParseLogLevel,
                               [](const LogLevel& v) { return std::string(LogLevelName(v)); }};
const Kind<When> kWhen{"forwarded|stored|processed", ParseWhen, FormatWhen};

// Values that may be left open, by a word.
constexpr absl::string_view kUnlimited = "unlimited";

const Kind<std::optional<absl::Duration>> kDurationOrUnlimited{
    "DURATION|unlimited",
    [](absl::string_view text) -> absl::StatusOr<std::optional<absl::Duration>> {
      if (text == kUnlimited) return std::nullopt;
      const absl::StatusOr<absl::Duration> duration = ParseDurationValue(text);
      if (!duration.ok()) return duration.status();
      return *duration;
    },
    [](const std::optional<absl::Duration>& v) {
      return v.has_value() ? FormatDurationValue(*v) : std::string(kUnlimited);
    }};
const Kind<std::optional<int64_t>> kBytesOrUnlimited{
    "BYTES|unlimited",
    [](absl::string_view text) -> absl::StatusOr<std::optional<int64_t>> {
      if (text == kUnlimited) return std::nullopt;
      const absl::StatusOr<size_t> bytes = ParseByteCount(text);
      if (!bytes.ok()) return bytes.status();
      return static_cast<int64_t>(*bytes);
    },
    [](const std::optional<int64_t>& v) {
      return v.has_value() ? FormatByteCount(static_cast<size_t>(*v)) : std::string(kUnlimited);
    }};
const Kind<std::vector<std::string>> kNames{
    "NAME,...",
    [](absl::string_view text) -> absl::StatusOr<std::vector<std::string>> {
      std::vector<std::string> names = absl::StrSplit(text, ',', absl::SkipEmpty());
      for (const std::string& name : names) {
        if (const absl::Status status = CheckSubscriptionName(name); !status.ok()) {
          return absl::InvalidArgumentError(
              "must be names of subscriptions, separated by commas without spaces");
        }
      }
      return names;
    },
    [](const std::vector<std::string>& v) { return absl::StrJoin(v, ","); }};

// `place` finds the value in the settings.
template <typename Value>
Setting Row(absl::string_view name, const Kind<Value>& kind, Value& (*place)(Settings&),
            absl::string_view description) {
  Setting row;
  row.name = name;
  row.form = kind.form;
  row.description = description;
  row.read = [parse = kind.parse, place](absl::string_view text,
                                         Settings& settings) -> absl::Status {
    absl::StatusOr<Value> value = parse(text);
    if (!value.ok()) return value.status();
    place(settings) = *std::move(value);
    return absl::OkStatus();
  };
  row.write = [format = kind.format, place](const Settings& settings) {
    Settings copy = settings;
    return format(place(copy));
  };
  return row;
}

std::vector<Setting> MakeTable() {
  using S = Settings;
  return {
      Row<std::string>(
          "http.listen", kAddress, [](S & s) -> auto& { return s.http.server.listen; },
          "where callbacks come in; port 0 takes a free one"),
      Row<bool>(
          "http.allow_unauthenticated", kBoolean,
          [](S & s) -> auto& { return s.http.allow_unauthenticated; },
          "take callbacks from beyond this machine, from anybody"),
      Row<size_t>(
          "http.max_body_bytes", kByteCount,
          [](S & s) -> auto& { return s.http.server.max_body_bytes; },
          "the largest callback that is taken"),
      Row<std::string>(
          "grpc.listen", kAddress, [](S & s) -> auto& { return s.grpc.server.listen; },
          "where subscribers connect; port 0 takes a free one"),
      Row<bool>(
          "grpc.allow_unauthenticated", kBoolean,
          [](S & s) -> auto& { return s.grpc.allow_unauthenticated; },
          "serve subscribers beyond this machine, anybody"),
      Row<std::string>(
          "admin.listen", kAddress, [](S & s) -> auto& { return s.admin.server.listen; },
          "where probes ask /livez, /readyz and /startupz; port 0 takes a free one"),
      Row<std::string>(
          "store.directory", kDirectory, [](S & s) -> auto& { return s.store.directory; },
          "where events are kept; made if it is missing; from the working directory, if relative"),
      Row<std::optional<absl::Duration>>(
          "store.retention.age", kDurationOrUnlimited,
          [](S & s) -> auto& { return s.store.retention_age; },
          "how long events that no subscription is owed are kept"),
      Row<std::optional<int64_t>>(
          "store.retention.size", kBytesOrUnlimited,
          [](S & s) -> auto& { return s.store.retention_size; },
          "how many bytes of events are kept, if no subscription is owed them"),
      Row<absl::Duration>(
          "store.deduplication_window", kDuration,
          [](S & s) -> auto& { return s.store.deduplication_window; },
          "how long a repeat is known after its event was removed"),
      Row<std::optional<absl::Duration>>(
          "store.dead_letters.age", kDurationOrUnlimited,
          [](S & s) -> auto& { return s.store.dead_letters_age; },
          "how long dead letters are kept"),
      Row<std::optional<int64_t>>(
          "store.dead_letters.size", kBytesOrUnlimited,
          [](S & s) -> auto& { return s.store.dead_letters_size; },
          "how many bytes of dead letters are kept"),
      Row<When>(
          "acknowledge.when", kWhen, [](S & s) -> auto& { return s.acknowledge.when; },
          "a callback succeeds once its event is on disk and forwarded, merely on disk, or "
          "settled"),
      Row<absl::Duration>(
          "acknowledge.timeout", kDuration, [](S & s) -> auto& { return s.acknowledge.timeout; },
          "how long a callback may wait to be forwarded"),
      Row<std::vector<std::string>>(
          "acknowledge.subscriptions", kNames,
          [](S & s) -> auto& { return s.acknowledge.subscriptions; },
          "declared subscriptions that must each have received it; none: any receiver will do"),
      Row<LogLevel>(
          "log.level", kLogLevel, [](S & s) -> auto& { return s.log.level; },
          "the least important lines that are logged"),
      Row<absl::Duration>(
          "shutdown.delay", kDuration, [](S & s) -> auto& { return s.shutdown.delay; },
          "how long callbacks are still taken after SIGTERM, while /readyz says no"),
      Row<absl::Duration>(
          "shutdown.drain_deadline", kDuration,
          [](S & s) -> auto& { return s.shutdown.drain_deadline; },
          "how long requests and subscribers then have to finish"),
  };
}

}  // namespace

std::string Setting::Flag() const {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{".", "-"}, {"_", "-"}}));
}

std::string Setting::Variable() const {
  return absl::StrCat("ONHOOK_", absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{".", "_"}})));
}

absl::Span<const Setting> SettingsTable() {
  static const auto* const table = new std::vector<Setting>(MakeTable());
  return *table;
}

}  // namespace onhook
