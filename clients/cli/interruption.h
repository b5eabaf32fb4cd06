#ifndef ONHOOK_CLIENTS_CLI_INTERRUPTION_H_
#define ONHOOK_CLIENTS_CLI_INTERRUPTION_H_

#include <atomic>
#include <functional>
#include <thread>

namespace onhook::cli {

// Turns Ctrl-C (SIGINT) and SIGTERM into a call, so that a command can end properly. A second
// signal, unless it follows at once, ends the program with code 130 whatever is under way.
//
// To be made before any other thread, gRPC's included, so that they inherit the blocked signals.
// Threads: a thread of its own calls `stop` and `abandon`, each once at most.
class Interruption {
 public:
  Interruption();
  ~Interruption();

  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Starts to listen. A signal that came before counts. `stop` must be callable until this object
  // is destroyed, and so must `abandon`, which a second signal calls before it ends the program.
  void OnSignal(std::function<void()> stop, std::function<void()> abandon = nullptr);

 private:
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_INTERRUPTION_H_
