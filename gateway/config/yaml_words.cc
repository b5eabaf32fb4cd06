#include "gateway/config/yaml_words.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

// How a message of yaml-cpp begins, and ours.
constexpr std::pair<absl::string_view, absl::string_view> kWords[] = {
    {"end of map flow not found",
     "a mapping that begins with { goes on without a comma, or is not closed; write {KEY: VALUE, "
     "KEY: VALUE}"},
    {"end of sequence flow not found",
     "a sequence that begins with [ goes on without a comma, or is not closed; write [VALUE, "
     "VALUE]"},
    {"end of map not found",
     "a key stands in another column than the others of its mapping, or has no colon; write KEY: "
     "VALUE, each in the same column"},
    {"end of sequence not found",
     "a part of a sequence stands in another column than the others, or has no dash; write - "
     "VALUE, "
     "each in the same column"},
    {"illegal flow end", "there is a } or ] that closes nothing; remove it, or open it"},
    {"illegal map value",
     "there is a colon where no key can be; write each KEY: VALUE on a line of its own, indented "
     "by "
     "spaces, and a text that holds a colon and a space in quotes"},
    {"illegal block entry",
     "there is a dash where no part of a sequence can be; write it on a line of its own"},
    {"illegal tab when looking for indentation", "a line begins with a tab; write spaces"},
    {"illegal EOF in scalar", "a quoted text is not closed; end it with the quote it begins with"},
    {"unknown token", "a value begins with a character that it cannot; put it in quotes"},
    {"illegal character in scalar",
     "a text holds a character that it cannot without quotes; put it in quotes"},
    {"unknown escape character",
     "a text in double quotes holds a \\ that means nothing; write \\\\, or single quotes"},
    {"the referenced anchor is not defined", "there is a * without its &; put a text in quotes"},
    {"alias not found after *", "there is a * without a name; put it in quotes"},
    {"anchor not found after &", "there is a & without a name; put it in quotes"},
};

}  // namespace

std::string WordsForYaml(absl::string_view message) {
  for (const auto& [theirs, ours] : kWords) {
    if (absl::StartsWith(message, theirs)) return std::string(ours);
  }
  std::string quoted;
  AppendJsonString(message, quoted);
  return absl::StrCat("is no YAML: ", quoted);
}

}  // namespace onhook
