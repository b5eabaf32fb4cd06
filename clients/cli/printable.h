#ifndef ONHOOK_CLIENTS_CLI_PRINTABLE_H_
#define ONHOOK_CLIENTS_CLI_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook::cli {

// `text` as it may go to a terminal: a control character (of ASCII or of Unicode's C1 block), a
// character that turns the direction of writing, and a byte that is no valid UTF-8 become \xNN or
// \u{NNNN}. So what the vendor sent can neither move the cursor nor pass for another line.
std::string Printable(absl::string_view text);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_PRINTABLE_H_
