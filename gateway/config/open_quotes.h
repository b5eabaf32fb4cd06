#ifndef ONHOOK_GATEWAY_CONFIG_OPEN_QUOTES_H_
#define ONHOOK_GATEWAY_CONFIG_OPEN_QUOTES_H_

#include <yaml-cpp/yaml.h>

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// The places, line and column from 0, of quoted texts in `document` that do not end on the line
// where they begin. `text` is what it was read from.
//
// Why: YAML lets a quoted text go on over lines, and the parser lets it end with the file. So a
// quote that is never closed would swallow all settings behind it without an error.
// Pure. Blocking: never. Errors: none.
std::vector<std::pair<int, int>> FindOpenQuotes(const YAML::Node& document, absl::string_view text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_OPEN_QUOTES_H_
