#include "clients/cli/arguments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {
namespace {

constexpr size_t kHelpWidth = 92;
constexpr char kIndent[] = "      ";

// `text` in indented lines of at most kHelpWidth characters.
std::string Wrapped(absl::string_view text) {
  std::string result;
  std::string line;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kHelpWidth) {
      absl::StrAppend(&result, kIndent, line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  absl::StrAppend(&result, kIndent, line, "\n");
  return result;
}

}  // namespace

void Arguments::Switch(absl::string_view flag, absl::string_view help, bool* target) {
  flags_.push_back(
      {std::string(flag), "", std::string(help), "", false, [target](const std::string&) {
         *target = true;
         return absl::OkStatus();
       }});
}

void Arguments::Text(absl::string_view flag, absl::string_view value_name, absl::string_view help,
                     std::string* target) {
  flags_.push_back({std::string(flag), std::string(value_name), std::string(help), *target, false,
                    [target](const std::string& value) {
                      *target = value;
                      return absl::OkStatus();
                    }});
}

void Arguments::Choice(absl::string_view flag, std::vector<std::string> choices,
                       absl::string_view help, std::string* target) {
  const std::string all = absl::StrJoin(choices, "|");
  flags_.push_back({std::string(flag), all, std::string(help), *target, false,
                    [target, all, choices = std::move(choices)](const std::string& value) {
                      if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
                        return absl::InvalidArgumentError(absl::StrCat("must be ", all));
                      }
                      *target = value;
                      return absl::OkStatus();
                    }});
}

void Arguments::Number(absl::string_view flag, absl::string_view value_name, int64_t least,
                       int64_t most, absl::string_view help, int64_t* target) {
  const std::string default_text = *target == 0 ? std::string() : absl::StrCat(*target);
  flags_.push_back({std::string(flag), std::string(value_name), std::string(help), default_text,
                    false, [target, least, most](const std::string& value) {
                      int64_t number = 0;
                      if (!absl::SimpleAtoi(value, &number) || number < least || number > most) {
                        return absl::InvalidArgumentError(
                            absl::StrCat("must be a whole number from ", least, " to ", most));
                      }
                      *target = number;
                      return absl::OkStatus();
                    }});
}

void Arguments::Duration(absl::string_view flag, absl::string_view help,
                         std::optional<absl::Duration>* target) {
  Value(flag, "DURATION", help, [target](const std::string& value) {
    const absl::StatusOr<absl::Duration> duration = ParseDurationValue(value);
    if (duration.ok()) *target = *duration;
    return duration.status();
  });
}

void Arguments::Value(absl::string_view flag, absl::string_view value_name, absl::string_view help,
                      std::function<absl::Status(const std::string& value)> set) {
  flags_.push_back(
      {std::string(flag), std::string(value_name), std::string(help), "", false, std::move(set)});
}

void Arguments::List(absl::string_view flag, absl::string_view value_name, absl::string_view help,
                     std::vector<std::string>* target) {
  flags_.push_back({std::string(flag), std::string(value_name), std::string(help), "", true,
                    [target](const std::string& value) {
                      target->push_back(value);
                      return absl::OkStatus();
                    }});
}

void Arguments::Positional(absl::string_view name, absl::string_view help, std::string* target) {
  positionals_.push_back({std::string(name), std::string(help), target, nullptr});
}

void Arguments::PositionalList(absl::string_view name, absl::string_view help,
                               std::vector<std::string>* target) {
  positionals_.push_back({std::string(name), std::string(help), nullptr, target});
}

void Arguments::Rule(std::function<absl::Status()> rule) { rules_.push_back(std::move(rule)); }

const Arguments::Flag* Arguments::Find(absl::string_view name) const {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [name](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

absl::Status Arguments::Parse(const std::vector<std::string>& arguments) const {
  size_t positionals_seen = 0;
  bool flags_ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!flags_ended && argument == "--") {
      flags_ended = true;
      continue;
    }
    if (flags_ended || !absl::StartsWith(argument, "-") || argument == "-") {
      if (positionals_seen == positionals_.size()) {
        return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", argument, "'"));
      }
      const PositionalArgument& positional = positionals_[positionals_seen];
      if (positional.list != nullptr) {
        positional.list->push_back(argument);
      } else {
        *positional.target = argument;
        ++positionals_seen;
      }
      continue;
    }
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    const bool has_value = absl::StrContains(argument, '=');
    const Flag* const flag = Find(parts.first);
    if (flag == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("unknown flag '", parts.first, "'"));
    }
    std::string value = parts.second;
    if (flag->value_name.empty() && has_value) {
      return absl::InvalidArgumentError(absl::StrCat(flag->name, " takes no value"));
    }
    if (!flag->value_name.empty() && !has_value) {
      if (++i == arguments.size()) {
        return absl::InvalidArgumentError(absl::StrCat(flag->name, " needs a value"));
      }
      value = arguments[i];
    }
    if (const absl::Status status = flag->set(value); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(flag->name, " ", status.message()));
    }
  }
  if (positionals_seen < positionals_.size() && positionals_[positionals_seen].list == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(positionals_[positionals_seen].name, " is missing"));
  }
  for (const auto& rule : rules_) {
    if (absl::Status status = rule(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string Arguments::Synopsis() const {
  std::string synopsis;
  for (const PositionalArgument& positional : positionals_) {
    absl::StrAppend(
        &synopsis, " ",
        positional.list == nullptr ? positional.name : absl::StrCat("[", positional.name, " ...]"));
  }
  absl::StrAppend(&synopsis, " [flags]");
  return synopsis.substr(1);
}

std::string Arguments::Help() const {
  std::string help;
  for (const PositionalArgument& positional : positionals_) {
    absl::StrAppend(&help, "  ", positional.name, "\n", Wrapped(positional.help));
  }
  for (const Flag& flag : flags_) {
    absl::StrAppend(&help, "  ", flag.name, flag.value_name.empty() ? "" : " ", flag.value_name,
                    flag.repeatable ? " ..." : "", "\n");
    const std::string default_text =
        flag.default_text.empty() ? "" : absl::StrCat(" Default: ", flag.default_text, ".");
    absl::StrAppend(&help, Wrapped(absl::StrCat(flag.help, default_text)));
  }
  return help;
}

}  // namespace onhook::cli
