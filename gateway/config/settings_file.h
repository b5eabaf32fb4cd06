#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_FILE_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_FILE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/config/declared_source.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_table.h"

namespace onhook {

// A value as a file gives it.
struct FileValue {
  std::string value;   // as Setting::read takes it
  std::string origin;  // "FILE:LINE:COLUMN"
};

// What a file of settings holds.
struct SettingsFile {
  std::map<const Setting*, FileValue> values;
  std::optional<std::vector<DeclaredSource>> sources;  // nothing: none are given
  std::vector<Settings::Subscription> subscriptions;
  std::vector<Settings::Identity> access;
  // Where the members of sources, subscriptions and identities stand: "sources[0].path" to
  // "FILE:LINE:COLUMN".
  std::map<std::string, std::string> places;
  // The keys of what was left out because it is wrong. Empty although there are faults: nothing of
  // the file could be read.
  std::set<std::string> wrong;
};

// Reads YAML: every setting of the table under its dotted name as nested mappings, and `sources`,
// `subscriptions` and `access`, sequences of mappings.
//
// Strict: whatever is not known, is given twice, or has another type than it should adds a fault,
// "FILE:LINE:COLUMN: KEY: what is expected", with the place of the value if it is the value that is
// wrong. A number or truth value in quotes is a text, and a key holds no dot. Texts are taken as
// they are written, so a number of a phone stays what it is. A second document is refused, whatever
// belongs to none, and what is not UTF-8.
//
// Threads: any. Blocking: ReadSettingsFile reads the file. Errors: they are faults.
SettingsFile ReadSettingsFile(const std::string& path, std::vector<std::string>& faults);

// The same of a text; `name` stands for the file in messages.
SettingsFile ParseSettingsFile(absl::string_view text, const std::string& name,
                               std::vector<std::string>& faults);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_FILE_H_
