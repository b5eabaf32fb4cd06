#ifndef ONHOOK_GATEWAY_CONFIG_REFERENCE_TEXT_H_
#define ONHOOK_GATEWAY_CONFIG_REFERENCE_TEXT_H_

#include <string>

namespace onhook {

// What --print-reference prints, and SETTINGS.md holds: everything that can be set, with its form,
// bounds, default and the reason for the default, in Markdown.
std::string ReferenceText();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_REFERENCE_TEXT_H_
