#ifndef ONHOOK_GATEWAY_CONFIG_SETTING_KINDS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTING_KINDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/ip_network.h"
#include "gateway/base/log.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_table.h"
#include "gateway/config/tls_options.h"

namespace onhook {

// What the rows of the table are made of: kinds of values, and how a kind becomes a row.

// How the values of one kind are written. `parse` gives kInvalidArgument with a message that
// completes "the value ...".
template <typename Value>
struct Kind {
  absl::string_view form;
  std::function<absl::StatusOr<Value>(absl::string_view)> parse;
  std::function<std::string(const Value&)> format;
  std::string bounds;     // "1 to 100"; empty: the form says it all
  bool is_plain = false;  // as in Setting
};

// "forwarded", "stored" or "processed".
absl::StatusOr<Settings::Acknowledge::When> ParseAcknowledgeWhen(absl::string_view text);
std::string FormatAcknowledgeWhen(Settings::Acknowledge::When when);

Kind<std::string> AddressKind();
Kind<std::string> DirectoryKind();
Kind<Settings::Store::Engine> EngineKind();
Kind<bool> BooleanKind();
Kind<LogLevel> LogLevelKind();
Kind<Settings::Acknowledge::When> AcknowledgeWhenKind();
Kind<std::vector<std::string>> NamesKind();
Kind<std::vector<IpNetwork>> NetworksKind();
// Of a file that may be none: the empty text.
Kind<std::string> FileKind();
// The same of a directory.
Kind<std::string> DirectoryOrNoneKind();
// The same of a Unix-domain socket, whose path the system limits.
Kind<std::string> SocketPathKind();
// Permissions of a file, in octal.
Kind<int> ModeKind();
Kind<TlsOptions::ClientCertificate> ClientCertificateKind();
Kind<absl::Duration> DurationKind();
// Both ends are within the bounds, here and below.
Kind<absl::Duration> DurationKind(absl::Duration least, absl::Duration most);

// Values that may be left open, by the word "unlimited".
Kind<std::optional<absl::Duration>> DurationOrUnlimitedKind();
Kind<std::optional<int64_t>> BytesOrUnlimitedKind();

// Or by another word.
Kind<std::optional<int>> NumberOrWordKind(absl::string_view form, absl::string_view word,
                                          int64_t least, int64_t most);

namespace setting_kinds_internal {

using ParseInteger = absl::StatusOr<int64_t> (*)(absl::string_view);
using FormatInteger = std::string (*)(int64_t);

absl::StatusOr<int64_t> ParseWithin(absl::string_view text, ParseInteger parse, int64_t least,
                                    int64_t most, const std::string& bounds);
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);
std::string FormatBytes(int64_t bytes);
std::string FormatNumber(int64_t number);

template <typename Value>
Kind<Value> IntegerKind(absl::string_view form, ParseInteger parse, FormatInteger format,
                        int64_t least, int64_t most) {
  Kind<Value> kind;
  kind.form = form;
  kind.bounds = absl::StrCat(format(least), " to ", format(most));
  kind.parse = [=, bounds = kind.bounds](absl::string_view text) -> absl::StatusOr<Value> {
    const absl::StatusOr<int64_t> number = ParseWithin(text, parse, least, most, bounds);
    if (!number.ok()) return number.status();
    return static_cast<Value>(*number);
  };
  kind.format = [format](const Value& value) { return format(static_cast<int64_t>(value)); };
  return kind;
}

}  // namespace setting_kinds_internal

// Whole numbers. `Value` must hold the bounds.
template <typename Value>
Kind<Value> NumberKind(int64_t least, int64_t most) {
  Kind<Value> kind = setting_kinds_internal::IntegerKind<Value>(
      "NUMBER", ParseWholeNumber, setting_kinds_internal::FormatNumber, least, most);
  kind.is_plain = true;
  return kind;
}
template <typename Value>
Kind<Value> BytesKind(int64_t least, int64_t most) {
  return setting_kinds_internal::IntegerKind<Value>("BYTES", setting_kinds_internal::ParseBytes,
                                                    setting_kinds_internal::FormatBytes, least,
                                                    most);
}

// `place` gives a pointer to the value within the settings that it is given. `reason`: why the
// default is what it is.
template <typename Value, typename Place>
Setting Row(absl::string_view name, const Kind<Value>& kind, Place place,
            absl::string_view description, absl::string_view reason) {
  Setting row;
  row.name = name;
  row.form = kind.form;
  row.bounds = kind.bounds;
  row.is_plain = kind.is_plain;
  row.description = description;
  row.reason = reason;
  row.read = [parse = kind.parse, place](absl::string_view text,
                                         Settings& settings) -> absl::Status {
    absl::StatusOr<Value> value = parse(text);
    if (!value.ok()) return value.status();
    *place(&settings) = *std::move(value);
    return absl::OkStatus();
  };
  row.copy = [place](const Settings& from, Settings& to) {
    Settings copy = from;
    *place(&to) = std::move(*place(&copy));
  };
  row.write = [format = kind.format, place](const Settings& settings) {
    Settings copy = settings;
    return format(*place(&copy));
  };
  return row;
}

// The row of a setting that a running gateway takes anew.
inline Setting Reloading(Setting row) {
  row.reloads = true;
  return row;
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTING_KINDS_H_
