#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SERVERS_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SERVERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/nats_server.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// The servers of a JetStream, one or several, each of which can be killed, stopped, cut off and
// started again on what it had; and the cables between them and from their clients, which are
// proxies, so that everybody is reached at the same port for good.
//
// A failure is a failed expectation of the test. Threads: one. Blocking: Start, and Wait methods.
class FleetServers {
 public:
  struct Options {
    int servers = 3;
    bool sync_always = true;
    int clients = 2;  // each has cables of its own
  };

  // The newest, unless ONHOOK_OLDEST_NATS is 1.
  static NatsVersion Version();
  // What this machine lacks for it; empty: nothing.
  static std::string Missing() { return NatsServer::Missing(Version()); }

  FleetServers(uint64_t seed, const Options& options);
  ~FleetServers();

  int size() const { return options_.servers; }
  // Before a server's first start: it keeps what it has there.
  void PlaceStore(int server, std::string directory);
  const std::string& directory(int server) const { return At(server).directory; }

  // Each that does not run; then waits until they listen.
  bool StartAll();
  bool Start(int server);
  void Kill(int server);
  void KillAll();
  // SIGSTOP; on return no thread of it is in the kernel any more.
  void Pause(int server);
  void Continue(int server) { At(server).process->Continue(); }
  bool runs(int server) const { return At(server).process != nullptr; }

  // Bytes between the two vanish, and neither can connect to the other, until MendAll().
  void CutServers(int one, int other);
  void CutClient(int client, int server);
  void MendAll();

  // Where the client reaches the server, for good.
  int cable_port(int client, int server) const { return Cable(client, server).port(); }
  // A URL for each.
  std::vector<std::string> UrlsFor(int client) const;

  // Until each of these streams has a leader, and every replica has all that it has. False: not
  // before `timeout`.
  bool WaitUntilCurrent(const std::vector<std::string>& streams, absl::Duration timeout);
  // Asks a server that runs something over a connection of its own.
  std::string Ask(absl::string_view subject, absl::string_view body = "") const;

  std::string logs() const;  // of all that run

 private:
  struct Server {
    std::string directory;
    std::unique_ptr<NatsServer> process;  // null: it does not run
    std::string earlier_log;              // the end of that of the one before
  };

  Server& At(int server) { return servers_[static_cast<size_t>(server)]; }
  const Server& At(int server) const { return servers_[static_cast<size_t>(server)]; }
  ChaosProxy& Route(int from, int to) const {
    return *routes_[static_cast<size_t>(from)][static_cast<size_t>(to)];
  }
  ChaosProxy& Cable(int client, int server) const {
    return *cables_[static_cast<size_t>(client)][static_cast<size_t>(server)];
  }
  static void Cut(ChaosProxy& proxy);
  std::string ClusterOf(int server) const;
  void Launch(int server);
  bool AwaitReady(int server);
  void LeadTo(int server);

  const Options options_;
  const TemporaryDirectory directory_;
  std::vector<Server> servers_;
  std::vector<std::vector<std::unique_ptr<ChaosProxy>>> routes_;  // [from][to]
  std::vector<std::vector<std::unique_ptr<ChaosProxy>>> cables_;  // [client][server]
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SERVERS_H_
