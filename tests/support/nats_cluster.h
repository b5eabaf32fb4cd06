#ifndef ONHOOK_TESTS_SUPPORT_NATS_CLUSTER_H_
#define ONHOOK_TESTS_SUPPORT_NATS_CLUSTER_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/nats_server.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// Three nats-servers, n1 to n3, which keep streams of three replicas between them.
//
// Each is started, killed and paused as any NatsServer; they find each other again. Promises,
// threads, errors: as NatsServer. Blocking: Start() and WaitUntilLed() until it is so or time is
// up.
class NatsCluster {
 public:
  static constexpr int kServers = 3;

  struct Options {
    NatsVersion version = NatsVersion::kNewest;
    bool sync_always = true;
    // As in NatsServer; each server has a folder in it.
    std::string directory;
    // More lines of each server's configuration.
    std::string more_configuration;
  };

  NatsCluster() : NatsCluster(Options()) {}
  explicit NatsCluster(const Options& options);
  NatsCluster(const NatsCluster&) = delete;
  NatsCluster& operator=(const NatsCluster&) = delete;

  // Launches those that do not run. True: all run, know who leads, and are level with it.
  bool Start(absl::Duration timeout = absl::Minutes(1));
  // Whether those that run came to have a leader that runs.
  bool WaitUntilLed(absl::Duration timeout = absl::Minutes(1));

  NatsServer& server(int index) { return *servers_[index]; }
  // Which server leads the metadata: creates streams, places them. -1: none that runs. Streams and
  // consumers have leaders of their own, which their information names.
  int Leader();
  std::vector<std::string> urls() const;
  // What all wrote since they were last launched.
  std::string log() const;

 private:
  const TemporaryDirectory own_directory_{NatsServer::PlaceOfStores()};
  std::array<std::unique_ptr<NatsServer>, kServers> servers_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_NATS_CLUSTER_H_
