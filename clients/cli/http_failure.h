#ifndef ONHOOK_CLIENTS_CLI_HTTP_FAILURE_H_
#define ONHOOK_CLIENTS_CLI_HTTP_FAILURE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace httplib {
class Result;
}  // namespace httplib

namespace onhook::cli {

// What there is to say about a request that came to nothing, for the person who typed the command.
// `which_address`: a question to ask oneself where nobody is there, and which flag changes it.
// Pure. Threads: any.
std::string WhyNoAnswer(const httplib::Result& result, absl::string_view which_address);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_HTTP_FAILURE_H_
