#ifndef ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_
#define ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_

#include <optional>
#include <string>
#include <utility>

namespace onhook {

// Where a second document of YAML begins in `text`, line and column from 0; nothing: there is none.
//
// Why: the parser's own function for all documents never ends on a text such as ",", which it takes
// for the beginning of ever the same document. That, too, is a second document here.
// Pure. Blocking: never. Errors: throws YAML::Exception if the first is no YAML.
std::optional<std::pair<int, int>> FindSecondDocument(const std::string& text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_
