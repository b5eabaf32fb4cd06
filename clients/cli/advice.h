#ifndef ONHOOK_CLIENTS_CLI_ADVICE_H_
#define ONHOOK_CLIENTS_CLI_ADVICE_H_

#include <string>

#include "absl/status/status.h"

namespace onhook::cli {

// What to do about an error, as far as that is the same for every command: which flag to change, or
// which setting of the gateway. Completes the error's message, "; ..."; empty if nothing is known.
std::string Advice(const absl::Status& status);

// Whether the error is of the flags and what they name, found before the gateway was asked.
bool IsOfFlags(const absl::Status& status);

// Whether its reason is one of this side's, which the message says in words already.
bool IsReasonOfClient(const absl::Status& status);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_ADVICE_H_
