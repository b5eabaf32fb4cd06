#ifndef ONHOOK_CLIENTS_CLI_PROGRAM_H_
#define ONHOOK_CLIENTS_CLI_PROGRAM_H_

#include <string>
#include <vector>

namespace onhook::cli {

// The program from its arguments (without its own name) to its exit code: chooses the command,
// answers --help and --version, explains wrong usage on standard error.
int RunProgram(const std::vector<std::string>& arguments);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_PROGRAM_H_
