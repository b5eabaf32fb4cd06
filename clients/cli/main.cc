#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "clients/cli/program.h"

int main(int argc, char** argv) {
  // A reader that went away shows as a failed write, which every command reports.
  std::signal(SIGPIPE, SIG_IGN);
  // gRPC tells of its failures on standard error, each in lines of its own; so do we, in words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  return onhook::cli::RunProgram(std::vector<std::string>(argv + 1, argv + argc));
}
