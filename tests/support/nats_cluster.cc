#include "tests/support/nats_cluster.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace onhook {
namespace {

constexpr absl::Duration kBetweenLooks = absl::Milliseconds(50);

// Each server must know the others' before any of them runs.
std::array<int, NatsCluster::kServers> FreePorts() {
  std::array<int, NatsCluster::kServers> ports{};
  for (int& port : ports) port = NatsServer::FreePort();
  return ports;
}

// Of another name, a cluster beside it that was given one of our ports does not become part of it.
std::string RoutesOf(int own, const std::array<int, NatsCluster::kServers>& ports) {
  std::string text = absl::StrCat("cluster {\n  name: tests-", getpid(), "-", ports[0],
                                  "\n  listen: \"127.0.0.1:", ports[own], "\"\n  routes: [");
  for (int i = 0; i < NatsCluster::kServers; ++i) {
    if (i != own) absl::StrAppend(&text, "\"nats://127.0.0.1:", ports[i], "\", ");
  }
  return absl::StrCat(text, "]\n}\n");
}

}  // namespace

NatsCluster::NatsCluster(const Options& options) {
  const std::string directory =
      options.directory.empty() ? own_directory_.path() : options.directory;
  const std::array<int, kServers> ports = FreePorts();
  for (int i = 0; i < kServers; ++i) {
    NatsServer::Options each;
    each.version = options.version;
    each.sync_always = options.sync_always;
    each.name = absl::StrCat("n", i + 1);
    each.directory = absl::StrCat(directory, "/", each.name);
    each.more_configuration = RoutesOf(i, ports) + options.more_configuration;
    servers_[i] = std::make_unique<NatsServer>(each);
  }
}

bool NatsCluster::Start(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const auto level = [](const std::unique_ptr<NatsServer>& server) {
    return absl::StrContains(server->Ask("/healthz?js-meta-only=true"), "\"ok\"");
  };
  do {
    // A server may end after it was ready: its port for the others is opened last.
    for (const auto& server : servers_) {
      if (!server->running()) server->Launch();
    }
    for (const auto& server : servers_) {
      if (!server->WaitUntilReady(deadline - absl::Now())) return false;
    }
    if (std::all_of(servers_.begin(), servers_.end(), level)) return true;
    absl::SleepFor(kBetweenLooks);
  } while (absl::Now() < deadline);
  return false;
}

bool NatsCluster::WaitUntilLed(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (Leader() < 0) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(kBetweenLooks);
  }
  return true;
}

int NatsCluster::Leader() {
  // Only of itself a server knows it: of another it says what was so when they last spoke.
  for (int i = 0; i < kServers; ++i) {
    if (!servers_[i]->running() || servers_[i]->paused()) continue;
    const std::string said = servers_[i]->Ask("/jsz");
    const size_t found = said.find("\"meta_cluster\"");
    if (found == std::string::npos) continue;
    const absl::string_view metadata = absl::string_view(said).substr(found);
    const absl::string_view head = metadata.substr(0, metadata.find("\"replicas\""));
    if (absl::StrContains(head, absl::StrCat("\"leader\": \"", servers_[i]->name(), "\""))) {
      return i;
    }
  }
  return -1;
}

std::vector<std::string> NatsCluster::urls() const {
  std::vector<std::string> all;
  for (const auto& server : servers_) all.push_back(server->url());
  return all;
}

std::string NatsCluster::log() const {
  std::string all;
  for (const auto& server : servers_) {
    absl::StrAppend(&all, "--- ", server->name(), "\n", server->log());
  }
  return all;
}

}  // namespace onhook
