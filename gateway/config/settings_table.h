#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_TABLE_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_TABLE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/config/settings.h"

namespace onhook {

// One row of the table: a setting, and all that is to be known of it.
struct Setting {
  absl::string_view name;         // "http.listen": lower-case words, groups divided by dots
  absl::string_view form;         // what a value looks like: "HOST:PORT", "NAME,..."
  std::string bounds;             // "1 to 100"; empty: there are none, or the form says it all
  bool is_plain = false;          // written without quotes in a file, as numbers and truth values
  absl::string_view description;  // one line, without a full stop
  // Whether a running gateway takes another value, by SIGHUP or a change of the file.
  bool reloads = false;
  absl::string_view reason;  // why the default is what it is; one sentence, without a full stop

  // Reads a value. kInvalidArgument completes "the value ..."; `settings` is unchanged then.
  std::function<absl::Status(absl::string_view text, Settings& settings)> read;
  // Gives `to` the value that `from` has.
  std::function<void(const Settings& from, Settings& to)> copy;
  // The value as `read` takes it. Of Settings() that is the default.
  std::function<std::string(const Settings& settings)> write;

  // Whether a value is several, with commas between them: in a file a sequence.
  bool is_list() const;

  // "--http-listen".
  std::string Flag() const;
  // "ONHOOK_HTTP_LISTEN".
  std::string Variable() const;
};

// The settings whose names begin alike.
struct SettingGroup {
  absl::string_view name;   // "http"
  absl::string_view title;  // what they are about
};

// Every setting there is, in the order in which they are shown: group after group. The one place to
// add another: flags, variables, the help text, the reference and --print-config follow from it.
absl::Span<const Setting> SettingsTable();

// The groups, in the order of the table.
absl::Span<const SettingGroup> SettingGroups();

// The group that `setting` belongs to.
absl::string_view GroupOf(const Setting& setting);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_TABLE_H_
