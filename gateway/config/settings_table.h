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
  absl::string_view form;         // what a value looks like: "HOST:PORT"
  absl::string_view description;  // one line, without a full stop

  // Reads a value. kInvalidArgument completes "the value ..."; `settings` is unchanged then.
  std::function<absl::Status(absl::string_view text, Settings& settings)> read;
  // The value as `read` takes it. Of Settings() that is the default.
  std::function<std::string(const Settings& settings)> write;

  // "--http-listen".
  std::string Flag() const;
  // "ONHOOK_HTTP_LISTEN".
  std::string Variable() const;
};

// Every setting there is, in the order in which they are shown. The one place to add another:
// flags, variables and the help text follow from it.
absl::Span<const Setting> SettingsTable();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_TABLE_H_
