#ifndef ONHOOK_CLIENTS_CLI_ARGUMENTS_H_
#define ONHOOK_CLIENTS_CLI_ARGUMENTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook::cli {

// The arguments that one command takes: declared once, then parsed and explained from there.
//
//   Arguments arguments;
//   arguments.Text("--server", "HOST:PORT", "The gateway.", &server);
//   arguments.Positional("NAME", "Name of the subscription.", &name);
//   absl::Status status = arguments.Parse({"--server=a:1", "crm"});
//
// A value follows its flag as the next argument or after `=`. `--` ends the flags. A flag given
// twice counts the last time, but for lists, which gather. A positional argument is mandatory, but
// for a list, which takes all that are left.
// Promises: after an error nothing is left half understood: the caller prints it and ends. Targets
// keep what they held when their flag is absent, so that is the default, and Help shows it.
// Threads: one. Blocking: never.
class Arguments {
 public:
  // A flag without value. `target` must outlive this object, here and below.
  void Switch(absl::string_view flag, absl::string_view help, bool* target);
  void Text(absl::string_view flag, absl::string_view value_name, absl::string_view help,
            std::string* target);
  // One of `choices`.
  void Choice(absl::string_view flag, std::vector<std::string> choices, absl::string_view help,
              std::string* target);
  // A whole number from `least` to `most`.
  void Number(absl::string_view flag, absl::string_view value_name, int64_t least, int64_t most,
              absl::string_view help, int64_t* target);
  // A whole number with its unit, as the gateway's settings have it: 500ms, 30s, 5m, 24h, 7d.
  void Duration(absl::string_view flag, absl::string_view help,
                std::optional<absl::Duration>* target);
  // Whatever `set` takes; its error's message completes "FLAG ...".
  void Value(absl::string_view flag, absl::string_view value_name, absl::string_view help,
             std::function<absl::Status(const std::string& value)> set);
  // May be given many times.
  void List(absl::string_view flag, absl::string_view value_name, absl::string_view help,
            std::vector<std::string>* target);
  void Positional(absl::string_view name, absl::string_view help, std::string* target);
  // The last of the positional arguments: none, one or many.
  void PositionalList(absl::string_view name, absl::string_view help,
                      std::vector<std::string>* target);

  // What must hold of the values together. Parse asks once it has read them all; the error's
  // message is for the person who typed them.
  void Rule(std::function<absl::Status()> rule);

  // Reads `arguments`, what follows the command's name. kInvalidArgument: says which is wrong and
  // why, in words for the person who typed it.
  absl::Status Parse(const std::vector<std::string>& arguments) const;

  // "NAME [--flag VALUE] ...": for the first line of a usage.
  std::string Synopsis() const;

  // The flags and positional arguments, a paragraph each, with their defaults.
  std::string Help() const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;  // empty: takes no value
    std::string help;
    std::string default_text;
    bool repeatable;
    std::function<absl::Status(const std::string& value)> set;
  };
  struct PositionalArgument {
    std::string name;
    std::string help;
    std::string* target;  // one of the two
    std::vector<std::string>* list;
  };

  const Flag* Find(absl::string_view name) const;

  std::vector<Flag> flags_;
  std::vector<PositionalArgument> positionals_;
  std::vector<std::function<absl::Status()>> rules_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_ARGUMENTS_H_
