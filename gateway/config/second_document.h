#ifndef ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_
#define ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>

namespace onhook {

// Where in the YAML of `text` a second document begins, or something stands that belongs to none,
// like a comma outside of brackets.
//
// Why: the parser takes such a comma for the beginning of a document, and does not go on. Whoever
// asks it for all documents waits for ever and fills the memory; whoever asks for the first alone
// gets an empty one, and all that stands behind is lost without a word.
// Pure. Blocking: never. Errors: YAML::Exception for what is no YAML.
std::optional<YAML::Mark> FindSecondDocument(const std::string& text);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SECOND_DOCUMENT_H_
