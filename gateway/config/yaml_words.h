#ifndef ONHOOK_GATEWAY_CONFIG_YAML_WORDS_H_
#define ONHOOK_GATEWAY_CONFIG_YAML_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// What is wrong with a text that is no YAML, and what to write instead, for what the parser calls
// `message`: its own words are about its parts ("end of map flow not found") and not about the
// file. A message that is not known is passed on. Pure. Threads: any. Errors: none.
std::string WordsForYaml(absl::string_view message);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_YAML_WORDS_H_
