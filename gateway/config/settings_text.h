#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_

#include <string>

namespace onhook {

// What --help prints: how to call onhookd, and every setting with its default.
std::string HelpText();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_TEXT_H_
