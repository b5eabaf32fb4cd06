#include "clients/cli/program.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "clients/cli/arguments.h"
#include "clients/cli/command.h"

namespace onhook::cli {
namespace {

// Commands that share their first word.
struct CommandGroup {
  absl::string_view name;
  absl::string_view summary;
  absl::string_view description;  // ends with a newline
};

constexpr CommandGroup kGroups[] = {
    {"subscriptions", "lists, watches and changes durable subscriptions",
     "A subscription is a name under which the gateway keeps what is still owed: `onhook "
     "subscribe\n"
     "NAME` and every other client of that name share it.\n"},
    {"dead-letters", "lists, shows, redrives and discards dead letters",
     "Dead letters are events that a subscription gave up delivering: parked by a consumer, or "
     "after\n"
     "their attempts and their retry time were used up. They are kept until somebody decides.\n"},
    {"rejected", "lists, shows, judges again and discards refused callbacks",
     "Rejected callbacks are what a source sent and the gateway refused: no callback at all, a "
     "field\n"
     "missing, a signature of no key. The sender was told not to repeat them, so they are kept for "
     "a\n"
     "while, as they came.\n"},
};

std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(SendCommand());
  commands.push_back(TailCommand());
  commands.push_back(SubscribeCommand());
  commands.push_back(GetCommand());
  commands.push_back(DoctorCommand());
  commands.push_back(BackupCommand());
  commands.push_back(SubscriptionsListCommand());
  commands.push_back(SubscriptionsShowCommand());
  commands.push_back(SubscriptionsWatchCommand());
  commands.push_back(SubscriptionsCreateCommand());
  commands.push_back(SubscriptionsUpdateCommand());
  commands.push_back(SubscriptionsDeleteCommand());
  commands.push_back(SubscriptionsSeekCommand());
  commands.push_back(SubscriptionsPauseCommand());
  commands.push_back(SubscriptionsResumeCommand());
  commands.push_back(DeadLettersListCommand());
  commands.push_back(DeadLettersShowCommand());
  commands.push_back(DeadLettersRedriveCommand());
  commands.push_back(DeadLettersDiscardCommand());
  commands.push_back(RejectedListCommand());
  commands.push_back(RejectedShowCommand());
  commands.push_back(RejectedReparseCommand());
  commands.push_back(RejectedDiscardCommand());
  return commands;
}

// "list" of "subscriptions list"; empty for a command of another group or of none.
absl::string_view ActionOf(const Command& command, absl::string_view group) {
  absl::string_view name = command.name();
  const bool belongs = absl::ConsumePrefix(&name, group) && absl::ConsumePrefix(&name, " ");
  return belongs ? name : absl::string_view();
}

bool IsGrouped(const Command& command) { return absl::StrContains(command.name(), ' '); }

std::string GroupUsage(const CommandGroup& group) {
  return absl::StrCat("usage: onhook ", group.name, " ACTION [ARGUMENTS]\n");
}

std::string GroupHelp(const CommandGroup& group) {
  std::string help =
      absl::StrCat(GroupUsage(group), "\n", group.description, "\nACTION is one of:\n");
  for (const auto& command : AllCommands()) {
    const absl::string_view action = ActionOf(*command, group.name);
    if (!action.empty()) absl::StrAppendFormat(&help, "  %-14s %s\n", action, command->summary());
  }
  absl::StrAppend(&help, "\n`onhook ", group.name, " ACTION --help` explains one with examples.\n");
  return help;
}

std::string ProgramHelp() {
  std::string help =
      "usage: onhook COMMAND [ARGUMENTS]\n"
      "\n"
      "The command line of Onhook, the gateway for a contact centre's hang-up callbacks.\n"
      "\n"
      "Commands:\n";
  for (const auto& command : AllCommands()) {
    if (IsGrouped(*command)) continue;
    absl::StrAppendFormat(&help, "  %-14s %s\n", command->name(), command->summary());
  }
  for (const CommandGroup& group : kGroups) {
    absl::StrAppendFormat(&help, "  %-14s %s\n", group.name, group.summary);
  }
  absl::StrAppend(
      &help,
      "\n"
      "A first try, with onhookd running on its defaults:\n"
      "  onhook subscribe demo     in one terminal\n"
      "  onhook send               in another: it is printed over there\n"
      "\n"
      "`onhook COMMAND --help` explains a command with examples; `onhook --version`\n"
      "tells the version; `onhook --print-reference` prints every help there is.\n"
      "ONHOOK_SERVER=HOST:PORT says where the gateway is; ONHOOK_CA,\n"
      "ONHOOK_CERT, ONHOOK_KEY, ONHOOK_TOKEN_FILE, ONHOOK_SERVER_NAME and ONHOOK_TLS are\n"
      "for the flags of these names.\n"
      "\n"
      "Exit codes: 0 ok; 1 the answer is no; 2 wrong usage; 3 the gateway was not\n"
      "reached, or failed.\n");
  return help;
}

std::string Usage(const Command& command, const Arguments& arguments) {
  return absl::StrCat("usage: onhook ", command.name(), " ", arguments.Synopsis(), "\n");
}

// What `onhook NAME --help` prints.
std::string HelpOf(Command& command) {
  Arguments arguments;
  command.Declare(arguments);
  return absl::StrCat(Usage(command, arguments), "\n", command.description(), "\nArguments:\n",
                      arguments.Help());
}

// What COMMANDS.md holds: every help there is.
std::string ReferenceText() {
  std::string text =
      "# Commands\n\n"
      "Written by `env -i build/release/onhook --print-reference > clients/cli/COMMANDS.md`; a "
      "test "
      "holds it against the code.\n"
      "Defaults are those without environment variables.\n";
  const auto add = [&text](absl::string_view title, const std::string& help) {
    absl::StrAppend(&text, "\n## ", title, "\n\n```\n", help, "```\n");
  };
  add("onhook", ProgramHelp());
  for (const auto& command : AllCommands()) {
    if (!IsGrouped(*command)) add(absl::StrCat("onhook ", command->name()), HelpOf(*command));
  }
  for (const CommandGroup& group : kGroups) {
    add(absl::StrCat("onhook ", group.name), GroupHelp(group));
    for (const auto& command : AllCommands()) {
      const absl::string_view action = ActionOf(*command, group.name);
      if (!action.empty()) add(absl::StrCat("onhook ", command->name()), HelpOf(*command));
    }
  }
  return text;
}

bool IsHelpFlag(const std::string& argument) { return argument == "--help" || argument == "-h"; }

bool AsksForHelp(const std::vector<std::string>& arguments) {
  // What follows `--` is no flag.
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, IsHelpFlag);
}

int PrintAndEnd(const std::string& text) {
  const absl::Status status = Print(text);
  return status.ok() ? kExitOk : ReportFailure(status);
}

int UsageError(absl::string_view message, absl::string_view usage, absl::string_view help_of) {
  Say(message);
  std::fprintf(stderr, "%s",
               absl::StrCat(usage, "`onhook ", help_of, "--help` explains.\n").c_str());
  return kExitUsage;
}

int RunCommand(Command& command, const std::vector<std::string>& given) {
  Arguments arguments;
  command.Declare(arguments);
  const std::string usage = Usage(command, arguments);
  if (AsksForHelp(given)) return PrintAndEnd(HelpOf(command));
  absl::Status status = arguments.Parse(given);
  if (status.ok()) status = command.Check();
  if (!status.ok()) {
    return UsageError(status.message(), usage, absl::StrCat(command.name(), " "));
  }
  return command.Run();
}

// `arguments`: what follows the group's name.
int RunGroup(const CommandGroup& group, const std::vector<std::string>& arguments) {
  const std::string help_of = absl::StrCat(group.name, " ");
  if (arguments.empty()) return UsageError("no action given", GroupUsage(group), help_of);
  if (IsHelpFlag(arguments[0])) return PrintAndEnd(GroupHelp(group));
  for (const auto& command : AllCommands()) {
    if (ActionOf(*command, group.name) == arguments[0]) {
      return RunCommand(*command, {arguments.begin() + 1, arguments.end()});
    }
  }
  return UsageError(absl::StrCat("unknown action '", arguments[0], "'"), GroupUsage(group),
                    help_of);
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments) {
  constexpr char kUsage[] = "usage: onhook COMMAND [ARGUMENTS]\n";
  if (arguments.empty()) return UsageError("no command given", kUsage, "");
  const std::string& first = arguments[0];
  if (IsHelpFlag(first)) return PrintAndEnd(ProgramHelp());
  if (first == "--version") return PrintAndEnd("onhook " ONHOOK_VERSION "\n");
  if (first == "--print-reference") return PrintAndEnd(ReferenceText());
  // `onhook help send` means `onhook send --help`.
  if (first == "help") {
    if (arguments.size() == 1) return PrintAndEnd(ProgramHelp());
    std::vector<std::string> asked(arguments.begin() + 1, arguments.end());
    asked.push_back("--help");
    return RunProgram(asked);
  }
  for (const CommandGroup& group : kGroups) {
    if (group.name == first) return RunGroup(group, {arguments.begin() + 1, arguments.end()});
  }
  for (const auto& command : AllCommands()) {
    if (command->name() == first) {
      return RunCommand(*command, {arguments.begin() + 1, arguments.end()});
    }
  }
  return UsageError(absl::StrCat("unknown command '", first, "'"), kUsage, "");
}

}  // namespace onhook::cli
