#include "gateway/config/invocation.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/config/engine_rules.h"
#include "gateway/config/listener_rules.h"
#include "gateway/config/near_name.h"
#include "gateway/config/reference_text.h"
#include "gateway/config/schema_text.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/settings_file.h"
#include "gateway/config/settings_table.h"
#include "gateway/config/settings_text.h"
#include "gateway/config/version.h"

namespace onhook {
namespace {

using Action = Invocation::Action;

constexpr absl::string_view kVariablePrefix = "ONHOOK_";
// Read by the clients: the command line onhook, and programs that use the libraries.
constexpr absl::string_view kClientVariables[] = {
    "ONHOOK_SERVER", "ONHOOK_SERVER_NAME", "ONHOOK_TLS",       "ONHOOK_CA",
    "ONHOOK_CERT",   "ONHOOK_KEY",         "ONHOOK_TOKEN_FILE"};

// Where the file of settings is; not itself a setting.
constexpr absl::string_view kFileFlag = "--config";
constexpr absl::string_view kFileVariable = "ONHOOK_CONFIG";
// How the origin of what stands in the file begins.
constexpr absl::string_view kFileOrigin = "file ";
constexpr absl::string_view kVariableOrigin = "variable ";
constexpr absl::string_view kDefaultOrigin = "default";

// Its value is the action's operand.
constexpr absl::string_view kRestoreFlag = "--restore";

constexpr std::pair<absl::string_view, Action> kActions[] = {
    {"--check", Action::kCheck},
    {"--print-config", Action::kPrintConfig},
    {"--print-reference", Action::kPrintReference},
    {"--print-schema", Action::kPrintSchema},
    {"--help", Action::kHelp},
    {"-h", Action::kHelp},
    {"--version", Action::kVersion}};

// What is done to a store that no gateway uses. They take its directory, and nothing else.
constexpr std::pair<absl::string_view, Action> kStoreActions[] = {
    {"--verify", Action::kVerify}, {"--accept-loss", Action::kAcceptLoss}};

// A value of a setting, from one place.
struct GivenValue {
  std::string value;
  std::string origin;
};
using GivenValues = std::map<const Setting*, GivenValue>;

// What is wrong: a line each, and the settings and members that it is about.
struct Faults {
  std::vector<std::string> lines;
  std::set<std::string> names;

  void Add(absl::string_view name, absl::string_view origin, absl::string_view what) {
    lines.push_back(absl::StrCat(name, " (", origin, "): ", what));
    names.emplace(name);
  }
  // Or about something that it is in: "sources[0].path" is in "sources[0]" and "sources".
  bool AreAbout(std::string name) const {
    while (names.count(name) == 0) {
      const size_t end = name.find_last_of(".[");
      if (end == std::string::npos) return false;
      name.resize(end);
    }
    return true;
  }
  bool AreWithin(absl::string_view list) const {
    return std::any_of(names.begin(), names.end(),
                       [list](const std::string& name) { return absl::StartsWith(name, list); });
  }
};

template <typename NameOf>
const Setting* FindSetting(absl::string_view name, NameOf name_of) {
  for (const Setting& setting : SettingsTable()) {
    if (name_of(setting) == name) return &setting;
  }
  return nullptr;
}

const Setting* SettingOfFlag(absl::string_view flag) {
  return FindSetting(flag, [](const Setting& setting) { return setting.Flag(); });
}

const Setting* SettingOfVariable(absl::string_view variable) {
  return FindSetting(variable, [](const Setting& setting) { return setting.Variable(); });
}

std::vector<std::string> FlagNames() {
  std::vector<std::string> names{std::string(kFileFlag), std::string(kRestoreFlag)};
  for (const auto& [name, action] : kActions) names.emplace_back(name);
  for (const auto& [name, action] : kStoreActions) names.emplace_back(name);
  for (const Setting& setting : SettingsTable()) names.push_back(setting.Flag());
  return names;
}

// Takes the FILE of a flag that stands at `i`, which may be moved to the argument behind it.
void TakeFile(absl::Span<const std::string> arguments, size_t& i, absl::string_view flag,
              std::string& file, Faults& faults) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(arguments[i], absl::MaxSplits('=', 1));
  const bool apart = !absl::StrContains(arguments[i], '=');
  if (apart && i + 1 == arguments.size()) {
    faults.lines.push_back(absl::StrCat(flag, ": its value is missing; expected FILE"));
    return;
  }
  file = apart ? arguments[++i] : std::string(parts.second);
  if (file.empty()) faults.lines.push_back(absl::StrCat(flag, ": is empty; expected FILE"));
}

// Returns the flags; sets the action, and adds a fault for each argument that is wrong.
GivenValues ReadArguments(absl::Span<const std::string> arguments, Invocation& invocation,
                          std::string& file, Faults& faults) {
  GivenValues flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    const auto* named = std::find_if(std::begin(kActions), std::end(kActions),
                                     [&](const auto& entry) { return entry.first == argument; });
    if (named != std::end(kActions)) {
      invocation.action = named->second;
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    if (parts.first == kFileFlag) {
      TakeFile(arguments, i, kFileFlag, file, faults);
      continue;
    }
    if (parts.first == kRestoreFlag) {
      invocation.action = Action::kRestore;
      TakeFile(arguments, i, kRestoreFlag, invocation.operand, faults);
      continue;
    }
    const Setting* setting = SettingOfFlag(parts.first);
    if (setting == nullptr) {
      faults.lines.push_back(
          absl::StrCat(QuotedValue(parts.first), ": ",
                       NoSuch("flag", parts.first, FlagNames(), "onhookd --help")));
      continue;
    }
    GivenValue given{std::string(parts.second), absl::StrCat("flag ", setting->Flag())};
    if (!absl::StrContains(argument, '=')) {
      if (i + 1 == arguments.size() || absl::StartsWith(arguments[i + 1], "--")) {
        faults.Add(setting->name, given.origin,
                   absl::StrCat("its value is missing; expected ", setting->form));
        continue;
      }
      given.value = arguments[++i];
    }
    if (!flags.emplace(setting, given).second) {
      faults.Add(setting->name, given.origin, "given twice");
    }
  }
  return flags;
}

bool IsOfClients(absl::string_view variable) {
  return std::find(std::begin(kClientVariables), std::end(kClientVariables), variable) !=
         std::end(kClientVariables);
}

GivenValues ReadEnvironment(absl::Span<const std::string> environment, std::string& file,
                            std::vector<std::string>& warnings) {
  GivenValues variables;
  std::vector<absl::string_view> unknown;
  for (const std::string& entry : environment) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (!absl::StartsWith(parts.first, kVariablePrefix) || IsOfClients(parts.first)) continue;
    if (parts.first == kFileVariable) {
      file = std::string(parts.second);
      continue;
    }
    const Setting* setting = SettingOfVariable(parts.first);
    if (setting == nullptr) {
      unknown.push_back(parts.first);
    } else {
      variables[setting] = {std::string(parts.second), absl::StrCat(kVariableOrigin, parts.first)};
    }
  }
  if (!unknown.empty()) {
    warnings.push_back(absl::StrCat("ignored, because no setting has that variable: ",
                                    absl::StrJoin(unknown, ", ")));
  }
  return variables;
}

// The file is what an operator looks at: a variable of an image, say, that overrules its
// store.directory would put the events where no volume is.
void WarnOfOverruledFile(const GivenValues& variables, Invocation& invocation) {
  for (const EffectiveSetting& effective : invocation.values) {
    const auto given = variables.find(effective.setting);
    if (given == variables.end() || given->second.value == effective.value) continue;
    if (!absl::StartsWith(effective.origin, kFileOrigin)) continue;
    invocation.warnings.push_back(absl::StrCat(effective.setting->name, " (", effective.origin,
                                               "): has no effect, because ", given->second.origin,
                                               " goes before the file"));
  }
}

// Sets what is given, and notes where each value comes from.
void Apply(const GivenValues& given_values, Invocation& invocation, Faults& faults) {
  for (EffectiveSetting& effective : invocation.values) {
    const auto given = given_values.find(effective.setting);
    if (given == given_values.end()) continue;
    const auto& [value, origin] = given->second;
    const absl::Status read = effective.setting->read(value, invocation.settings);
    if (!read.ok()) {
      faults.Add(effective.setting->name, origin,
                 absl::StrCat(read.message(), "; not ", QuotedValue(value)));
    }
    effective.value = value;
    effective.origin = origin;
  }
}

void ApplyFile(SettingsFile& file, Invocation& invocation, Faults& faults) {
  GivenValues values;
  for (const auto& [setting, given] : file.values) {
    values[setting] = {given.value, absl::StrCat(kFileOrigin, given.origin)};
  }
  Apply(values, invocation, faults);
  invocation.settings.subscriptions = std::move(file.subscriptions);
  invocation.settings.access = std::move(file.access);
  invocation.places = std::move(file.places);
}

// Once `acknowledge` is what it stays.
void ResolveSources(const SettingsFile& file, Settings& settings) {
  if (!file.sources.has_value()) {
    for (Settings::Source& source : settings.sources) source.acknowledge = settings.acknowledge;
    return;
  }
  settings.sources.clear();
  for (const DeclaredSource& source : *file.sources) {
    settings.sources.push_back(source.Resolve(settings.acknowledge));
  }
}

// Where the value of a setting or member comes from; of a member that is not given, the innermost
// mapping that is.
std::string OriginOf(const std::string& name, const Invocation& invocation) {
  for (const EffectiveSetting& effective : invocation.values) {
    if (effective.setting->name == name) return effective.origin;
  }
  for (std::string key = name; !key.empty();
       key.resize(key.find_last_of(".[") == std::string::npos ? 0 : key.find_last_of(".["))) {
    const auto place = invocation.places.find(key);
    if (place != invocation.places.end()) return absl::StrCat(kFileOrigin, place->second);
  }
  return std::string(kDefaultOrigin);
}

void AddFaults(const std::vector<SettingFault>& wrong, const Invocation& invocation,
               Faults& faults) {
  for (const SettingFault& fault : wrong) {
    faults.Add(fault.setting, OriginOf(fault.setting, invocation), fault.description);
  }
}

// What was given for another engine than the one that is chosen; but not what is as by default, so
// that what --print-config prints can be read. The image's environment names a directory, whatever
// is chosen, so that one is only told of.
void AddForeign(Invocation& invocation, Faults& faults) {
  std::vector<absl::string_view> given;
  for (const EffectiveSetting& effective : invocation.values) {
    const Setting& setting = *effective.setting;
    if (effective.origin == kDefaultOrigin) continue;
    if (setting.write(invocation.settings) == setting.write(Settings())) continue;
    given.push_back(setting.name);
  }
  for (const SettingFault& fault : FindForeignSettings(invocation.settings, given)) {
    const std::string origin = OriginOf(fault.setting, invocation);
    if (fault.setting == "store.directory" && absl::StartsWith(origin, kVariableOrigin)) {
      invocation.warnings.push_back(absl::StrCat(fault.setting, " (", origin,
                                                 "): has no effect with store.engine jetstream"));
    } else {
      faults.Add(fault.setting, origin, fault.description);
    }
  }
}

// What is wrong already is not looked at: what holds in its place is not what was meant.
void AddOutside(const OutsideCheck& check, Invocation& invocation, Faults& faults) {
  if (check == nullptr) return;
  Settings settings = invocation.settings;
  if (faults.AreWithin("sources")) settings.sources.clear();
  if (faults.AreWithin("access")) settings.access.clear();
  const OutsideFindings found = check(settings);
  std::vector<SettingFault> news;
  std::copy_if(found.faults.begin(), found.faults.end(), std::back_inserter(news),
               [&](const SettingFault& fault) { return !faults.AreAbout(fault.setting); });
  AddFaults(news, invocation, faults);
  for (const SettingFault& doubt : found.doubts) {
    invocation.warnings.push_back(absl::StrCat(
        doubt.setting, " (", OriginOf(doubt.setting, invocation), "): ", doubt.description));
  }
}

bool NeedsNoSettings(Action action) {
  return action == Action::kHelp || action == Action::kVersion ||
         action == Action::kPrintReference || action == Action::kPrintSchema;
}

// Nothing: the arguments ask for no action on a store.
std::optional<absl::StatusOr<Invocation>> ReadStoreAction(absl::Span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    for (const auto& [name, action] : kStoreActions) {
      if (parts.first != name) continue;
      const bool apart = argument == name;
      Invocation invocation;
      invocation.action = action;
      if (apart && arguments.size() == 2 && &argument == &arguments[0]) {
        invocation.operand = arguments[1];
      } else if (!apart && arguments.size() == 1) {
        invocation.operand = std::string(parts.second);
      }
      if (!invocation.operand.empty()) return invocation;
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": takes a DIRECTORY and no other argument: onhookd ", name, " DIRECTORY"));
    }
  }
  return std::nullopt;
}

std::string WarningLines(const Invocation& invocation) {
  std::string lines;
  for (const std::string& warning : invocation.warnings) {
    absl::StrAppend(&lines, "warning: ", warning, "\n");
  }
  return lines;
}

}  // namespace

absl::StatusOr<Invocation> ReadInvocation(absl::Span<const std::string> arguments,
                                          absl::Span<const std::string> environment,
                                          const OutsideChecks& outside) {
  for (const std::string& argument : arguments) {
    for (const auto& [name, action] : kActions) {
      if (argument == name && NeedsNoSettings(action))
        return Invocation{action, {}, {}, {}, {}, {}, {}};
    }
  }
  if (auto on_store = ReadStoreAction(arguments)) return *std::move(on_store);

  Invocation invocation;
  for (const Setting& setting : SettingsTable()) {
    invocation.values.push_back(
        {&setting, setting.write(invocation.settings), std::string(kDefaultOrigin)});
  }
  Faults faults;
  std::string path;
  const GivenValues variables = ReadEnvironment(environment, path, invocation.warnings);
  const GivenValues flags = ReadArguments(arguments, invocation, path, faults);
  SettingsFile file;
  const size_t faults_before_file = faults.lines.size();
  if (!path.empty()) file = ReadSettingsFile(path, faults.lines);
  const bool file_is_whole = faults.lines.size() == faults_before_file;
  faults.names.insert(file.wrong.begin(), file.wrong.end());
  invocation.file = path;
  ApplyFile(file, invocation, faults);
  WarnOfOverruledFile(variables, invocation);
  Apply(variables, invocation, faults);
  Apply(flags, invocation, faults);
  ResolveSources(file, invocation.settings);
  // What is wrong in the file was left out; others would seem to miss it.
  if (file_is_whole) {
    AddFaults(CheckSettings(invocation.settings), invocation, faults);
    AddForeign(invocation, faults);
  }
  const bool starts = invocation.action == Action::kRun;
  const bool could_be_read = file_is_whole || !file.wrong.empty();
  if (could_be_read && (starts || invocation.action == Action::kCheck)) {
    AddOutside(outside.always, invocation, faults);
    if (starts) AddOutside(outside.to_start, invocation, faults);
  }
  if (!faults.lines.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults.lines, "\n"));
  }
  for (std::string& doubt : FindListenerDoubts(invocation.settings)) {
    invocation.warnings.push_back(std::move(doubt));
  }
  return invocation;
}

std::string FaultLine(absl::string_view message, const Invocation& invocation) {
  const std::pair<std::string, absl::string_view> parts =
      absl::StrSplit(message, absl::MaxSplits(": ", 1));
  return absl::StrCat(parts.first, " (", OriginOf(parts.first, invocation), "): ", parts.second);
}

std::string AnswerTo(const Invocation& invocation) {
  switch (invocation.action) {
    case Action::kRun:
    case Action::kVerify:
    case Action::kAcceptLoss:
    case Action::kRestore:
      return "";
    case Action::kCheck:
      return absl::StrCat(WarningLines(invocation), "the settings are right\n");
    case Action::kPrintConfig:
      return ConfigText(invocation.values, invocation.settings, invocation.places);
    case Action::kPrintReference:
      return ReferenceText();
    case Action::kPrintSchema:
      return SchemaText();
    case Action::kHelp:
      return HelpText();
    case Action::kVersion:
      return absl::StrCat("onhookd ", Version(), "\n");
  }
  return "";
}

}  // namespace onhook
