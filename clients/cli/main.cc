#include <csignal>
#include <string>
#include <vector>

#include "clients/cli/program.h"

int main(int argc, char** argv) {
  // A reader that went away shows as a failed write, which every command reports.
  std::signal(SIGPIPE, SIG_IGN);
  return onhook::cli::RunProgram(std::vector<std::string>(argv + 1, argv + argc));
}
