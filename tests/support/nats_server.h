#ifndef ONHOOK_TESTS_SUPPORT_NATS_SERVER_H_
#define ONHOOK_TESTS_SUPPORT_NATS_SERVER_H_

#include <sys/types.h>

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// The ends of what the JetStream engine is tried with: deploy/versions.env.
enum class NatsVersion { kNewest, kOldest };
std::ostream& operator<<(std::ostream& stream, NatsVersion version);

// A real nats-server with JetStream, one process at a time, on 127.0.0.1.
//
// Promises: what it stored, and the port that clients connect to, stay over its restarts. It ends
// with the object at the latest, and also when the test itself is killed. Threads: one, the one
// that made the object; Ask() any while no other method runs. Blocking: Start() and
// WaitUntilReady() until it is ready or time is up, Stop() and Kill() until it is gone, Ask() for
// ten seconds at most. Errors: a server that does not come up is false from Start(), and log() says
// why.
class NatsServer {
 public:
  struct Options {
    NatsVersion version = NatsVersion::kNewest;
    // Whether each write is on the disk before it is acknowledged; else it is minutes later.
    bool sync_always = true;
    // Where it keeps everything; outlives it. Empty: a folder of its own, removed with it.
    std::string directory;
    std::string name = "n1";
    // More lines of its configuration.
    std::string more_configuration;
  };

  // Why a test cannot have this version here, for GTEST_SKIP(); empty: it can.
  static std::string Missing(NatsVersion version);

  // A port that was free a moment ago, of those that the kernel gives to nobody by itself: so that
  // a server that is down for a while finds its own again.
  static int FreePort();

  NatsServer() : NatsServer(Options()) {}
  explicit NatsServer(Options options);
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  // Launches it if it does not run. True: it takes connections and its JetStream is up, of which a
  // cluster may yet have to choose a leader.
  bool Start(absl::Duration timeout = absl::Minutes(1));

  // Starts the program, which must not run, and waits for nothing.
  void Launch();
  // As Start() of a launched one. One that found its port taken is launched again.
  bool WaitUntilReady(absl::Duration timeout);
  bool running();

  // SIGTERM: it writes what it has, and goes.
  void Stop();
  // SIGKILL. Also of one that is paused; nothing of one that does not run.
  void Kill();
  // SIGSTOP: its connections stay open, and silent.
  void Pause();
  // SIGCONT, after Pause().
  void Continue();
  bool paused() const { return paused_; }

  int port() const { return port_; }
  std::string url() const;
  // Of the process that runs.
  pid_t pid() const { return process_->pid(); }
  const std::string& name() const { return options_.name; }
  // Where servers are to lie that are killed, and not cut off from power: in memory, if there is
  // room. What is killed leaves the kernel's pages as they are, so a disk would only make the
  // servers wait for its syncs.
  static std::filesystem::path PlaceOfStores();

  const std::string& directory() const { return options_.directory; }

  // What its monitoring port answers with 200 to `path`, such as "/jsz": JSON; empty if it does
  // not.
  std::string Ask(absl::string_view path) const;
  // Whether such an answer came to hold `text` before `timeout`.
  bool WaitForAnswer(absl::string_view path, absl::string_view text,
                     absl::Duration timeout = absl::Minutes(1)) const;
  // What it wrote since it was last launched.
  std::string log() const { return process_ == nullptr ? "" : process_->output(); }

 private:
  std::string Configuration() const;
  void End(int signal_number);

  const TemporaryDirectory own_directory_{PlaceOfStores()};
  Options options_;
  const int port_ = FreePort();
  int monitoring_port_ = 0;
  bool paused_ = false;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_NATS_SERVER_H_
