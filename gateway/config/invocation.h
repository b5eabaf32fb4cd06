#ifndef ONHOOK_GATEWAY_CONFIG_INVOCATION_H_
#define ONHOOK_GATEWAY_CONFIG_INVOCATION_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/config/config_text.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"

namespace onhook {

// What onhookd was started to do, and with which settings.
struct Invocation {
  enum class Action {
    kRun,
    kCheck,
    kPrintConfig,
    kPrintReference,
    kPrintSchema,
    kHelp,
    kVersion,
    kRestore,
    kVerify,
    kAcceptLoss
  };
  Action action = Action::kRun;
  std::string operand;  // the backup of --restore, the directory of --verify and --accept-loss
  std::string file;     // of settings; empty: none is named
  Settings settings;
  std::vector<EffectiveSetting> values;  // one for each row of the table, in its order
  MemberPlaces places;                   // of what the file says of sources, subscriptions, access
  std::vector<std::string> warnings;     // one sentence each
};

// What was found wrong with what settings name outside of themselves, such as the files of secrets:
// of each the setting that names it, "sources[0].path_token_file".
struct OutsideFindings {
  std::vector<SettingFault> faults;
  std::vector<SettingFault> doubts;  // it can be used, but perhaps is not what was meant
};

// Looks there. Changes nothing.
using OutsideCheck = std::function<OutsideFindings(const Settings& settings)>;
struct OutsideChecks {
  OutsideCheck always = nullptr;    // to run, and with --check
  OutsideCheck to_start = nullptr;  // to run only: of what a gateway that runs holds itself
};

// Reads the arguments of onhookd, without the program's name, and its environment ("NAME=VALUE").
// A flag goes before a variable, a variable before the file (--config FILE or ONHOOK_CONFIG), that
// before the default.
//
// Strict: an argument that is no flag of ours, a flag given twice or without a value, and a value
// that does not convert are errors, also when a flag hides the variable that is wrong. A variable
// ONHOOK_... that names no setting is a warning only, because others put such names there too:
// Kubernetes does for each Service. With --verify or --accept-loss its DIRECTORY is the only
// argument beside it, and neither variables nor a file are looked at. With --help, --version,
// --print-reference or --print-schema nothing else is looked at. To run, and with --check,
// `outside` is asked too, of all settings that could be read and are not wrong already.
//
// Threads: any. Blocking: reads the file, if one is named.
// Errors: kInvalidArgument, with one line for each fault there is: the setting, where its value
// came from, and what is expected.
absl::StatusOr<Invocation> ReadInvocation(absl::Span<const std::string> arguments,
                                          absl::Span<const std::string> environment,
                                          const OutsideChecks& outside = {});

// The line for a fault that was found later: `message` is "SETTING: what is wrong".
std::string FaultLine(absl::string_view message, const Invocation& invocation);

// What is printed by an invocation that asks for something else than to run.
std::string AnswerTo(const Invocation& invocation);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_INVOCATION_H_
