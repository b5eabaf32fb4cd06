#include "clients/cli/program.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/arguments.h"
#include "clients/cli/command.h"

namespace onhook::cli {
namespace {

std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(SendCommand());
  commands.push_back(TailCommand());
  commands.push_back(SubscribeCommand());
  commands.push_back(GetCommand());
  commands.push_back(SubscriptionsCommand());
  commands.push_back(DeadLettersCommand());
  return commands;
}

std::string ProgramHelp() {
  std::string help =
      "usage: onhook COMMAND [ARGUMENTS]\n"
      "\n"
      "The command line of Onhook, the gateway for a contact centre's hang-up callbacks.\n"
      "\n"
      "Commands:\n";
  for (const auto& command : AllCommands()) {
    absl::StrAppendFormat(&help, "  %-14s %s\n", command->name(), command->summary());
  }
  absl::StrAppend(&help,
                  "\n"
                  "A first try, with onhookd running on its defaults:\n"
                  "  onhook subscribe demo     in one terminal\n"
                  "  onhook send               in another: it is printed over there\n"
                  "\n"
                  "`onhook COMMAND --help` explains a command with examples; `onhook --version`\n"
                  "tells the version. ONHOOK_SERVER=HOST:PORT says where the gateway is.\n"
                  "\n"
                  "Exit codes: 0 ok; 1 the answer is no; 2 wrong usage; 3 the gateway was not\n"
                  "reached, or failed.\n");
  return help;
}

std::string Usage(const Command& command, const Arguments& arguments) {
  return absl::StrCat("usage: onhook ", command.name(), " ", arguments.Synopsis(), "\n");
}

bool AsksForHelp(const std::vector<std::string>& arguments) {
  // What follows `--` is no flag.
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
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
  if (AsksForHelp(given)) {
    return PrintAndEnd(
        absl::StrCat(usage, "\n", command.description(), "\nArguments:\n", arguments.Help()));
  }
  absl::Status status = arguments.Parse(given);
  if (status.ok()) status = command.Check();
  if (!status.ok()) {
    return UsageError(status.message(), usage, absl::StrCat(command.name(), " "));
  }
  return command.Run();
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments) {
  constexpr char kUsage[] = "usage: onhook COMMAND [ARGUMENTS]\n";
  if (arguments.empty()) return UsageError("no command given", kUsage, "");
  const std::string& first = arguments[0];
  if (first == "--help" || first == "-h") return PrintAndEnd(ProgramHelp());
  if (first == "--version") return PrintAndEnd("onhook " ONHOOK_VERSION "\n");
  // `onhook help send` means `onhook send --help`.
  if (first == "help") {
    return arguments.size() == 1 ? PrintAndEnd(ProgramHelp())
                                 : RunProgram({arguments[1], "--help"});
  }
  for (const auto& command : AllCommands()) {
    if (command->name() == first) {
      return RunCommand(*command, {arguments.begin() + 1, arguments.end()});
    }
  }
  return UsageError(absl::StrCat("unknown command '", first, "'"), kUsage, "");
}

}  // namespace onhook::cli
