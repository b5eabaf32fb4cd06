#include "gateway/config/settings_difference.h"

#include <set>
#include <utility>

#include "gateway/config/config_text.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

// All that there is to say of a list, and of nothing else.
template <typename List>
std::string TextOf(const Settings& settings, List Settings::*list) {
  Settings only;
  only.sources.clear();
  only.*list = settings.*list;
  return ConfigText({}, only, {});
}

}  // namespace

SettingsChange ChangeTo(const Settings& read, const Settings& in_use) {
  SettingsChange change;
  change.settings = in_use;
  std::set<std::string> reloading = {"sources", "access"};
  for (const Setting& setting : SettingsTable()) {
    if (setting.reloads) reloading.emplace(setting.name);
  }
  for (std::string& name : DifferentSettings(in_use, read)) {
    (reloading.count(name) > 0 ? change.taken : change.waiting).push_back(std::move(name));
  }
  for (const Setting& setting : SettingsTable()) {
    if (setting.reloads) setting.copy(read, change.settings);
  }
  change.settings.sources = read.sources;
  change.settings.access = read.access;
  return change;
}

std::vector<std::string> DifferentSettings(const Settings& a, const Settings& b) {
  std::vector<std::string> names;
  for (const Setting& setting : SettingsTable()) {
    if (setting.write(a) != setting.write(b)) names.emplace_back(setting.name);
  }
  const auto compare = [&](const char* name, auto list) {
    if (TextOf(a, list) != TextOf(b, list)) names.emplace_back(name);
  };
  compare("sources", &Settings::sources);
  compare("subscriptions", &Settings::subscriptions);
  compare("access", &Settings::access);
  return names;
}

}  // namespace onhook
