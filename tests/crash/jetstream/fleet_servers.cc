#include "tests/crash/jetstream/fleet_servers.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/base/clock.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/nats_question.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

// Far beyond what it takes, with a store of some gigabytes to be read.
constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kBetweenLooksMs = 50;
// Of a log, for a test that failed.
constexpr size_t kMostLog = 20'000;
// No server has it, so whoever is led there is refused.
constexpr int kNowhere = 0;
// Nobody listens there: servers tell each other of it, and try it in vain, so that they know no way
// to each other but the cables.
constexpr int kNobody = 1;

std::vector<std::vector<std::unique_ptr<ChaosProxy>>> Proxies(int from, int to, uint64_t& seed) {
  std::vector<std::vector<std::unique_ptr<ChaosProxy>>> proxies(static_cast<size_t>(from));
  for (auto& row : proxies) {
    for (int i = 0; i < to; ++i) row.push_back(std::make_unique<ChaosProxy>(seed++));
  }
  return proxies;
}

std::string EndOf(std::string log) {
  return log.size() <= kMostLog ? log : log.substr(log.size() - kMostLog);
}

// 0: it says none.
int RoutePortIn(absl::string_view log) {
  constexpr absl::string_view kWords = "Listening for route connections on 127.0.0.1:";
  const size_t found = log.find(kWords);
  if (found == absl::string_view::npos) return 0;
  log.remove_prefix(found + kWords.size());
  int port = 0;
  return absl::SimpleAtoi(log.substr(0, log.find_first_not_of("0123456789")), &port) ? port : 0;
}

int64_t Occurrences(absl::string_view text, absl::string_view word) {
  int64_t count = 0;
  for (size_t at = text.find(word); at != absl::string_view::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

NatsVersion FleetServers::Version() {
  return FromEnvironment("ONHOOK_OLDEST_NATS", 0) != 0 ? NatsVersion::kOldest
                                                       : NatsVersion::kNewest;
}

FleetServers::FleetServers(uint64_t seed, const Options& options)
    : options_(options),
      directory_(NatsServer::PlaceOfStores()),
      servers_(static_cast<size_t>(options.servers)) {
  routes_ = Proxies(options.servers, options.servers, seed);
  cables_ = Proxies(options.clients, options.servers, seed);
  for (int i = 0; i < size(); ++i) {
    At(i).directory = absl::StrCat(directory_.path(), "/server", i);
  }
}

FleetServers::~FleetServers() {
  if (testing::Test::HasFailure()) ADD_FAILURE() << "the servers' logs:\n" << logs();
}

void FleetServers::PlaceStore(int server, std::string directory) {
  At(server).directory = std::move(directory);
}

bool FleetServers::StartAll() {
  for (int i = 0; i < size(); ++i) {
    if (!runs(i)) Launch(i);
  }
  bool all = true;
  for (int i = 0; i < size(); ++i) all = AwaitReady(i) && all;
  return all;
}

bool FleetServers::Start(int server) {
  Launch(server);
  return AwaitReady(server);
}

void FleetServers::Launch(int server) {
  NatsServer::Options options;
  options.version = Version();
  options.name = absl::StrCat("server", server);
  options.directory = At(server).directory;
  options.sync_always = options_.sync_always;
  if (size() > 1) options.more_configuration = ClusterOf(server);
  At(server).process = std::make_unique<NatsServer>(options);
  At(server).process->Launch();
}

std::string FleetServers::ClusterOf(int server) const {
  std::vector<std::string> routes;
  for (int i = 0; i < size(); ++i) {
    routes.push_back(absl::StrCat("\"nats://127.0.0.1:", Route(server, i).port(), "\""));
  }
  return absl::StrCat("cluster {name: fleet, listen: \"127.0.0.1:-1\", no_advertise: true, ",
                      "advertise: \"127.0.0.1:", kNobody, "\", routes: [",
                      absl::StrJoin(routes, ", "), "]}");
}

bool FleetServers::AwaitReady(int server) {
  if (!At(server).process->WaitUntilReady(kPatience)) {
    ADD_FAILURE() << "server " << server << " did not come up";
    return false;
  }
  LeadTo(server);
  return true;
}

void FleetServers::LeadTo(int server) {
  const bool up = runs(server);
  const int client_port = up ? At(server).process->port() : kNowhere;
  const int route_port = up ? RoutePortIn(At(server).process->log()) : kNowhere;
  for (int i = 0; i < size(); ++i) Route(i, server).LeadTo(route_port);
  for (int i = 0; i < options_.clients; ++i) Cable(i, server).LeadTo(client_port);
}

void FleetServers::Kill(int server) {
  At(server).process->Kill();
  At(server).earlier_log = EndOf(At(server).process->log());
  At(server).process = nullptr;
  // Another program may get its port.
  LeadTo(server);
}

void FleetServers::KillAll() {
  // Nobody is to see another one's end.
  for (int i = 0; i < size(); ++i) {
    if (runs(i)) kill(At(i).process->pid(), SIGKILL);
  }
  for (int i = 0; i < size(); ++i) {
    if (runs(i)) Kill(i);
  }
}

void FleetServers::Pause(int server) {
  At(server).process->Pause();
  siginfo_t stopped{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(At(server).process->pid()), &stopped, WSTOPPED), 0)
      << std::strerror(errno);
}

void FleetServers::Cut(ChaosProxy& proxy) {
  proxy.LeadTo(kNowhere);
  ChaosProxy::Weather weather;
  weather.vanishes = true;
  proxy.SetWeather(ChaosProxy::kToServer, weather, 100);
  proxy.SetWeather(ChaosProxy::kToClient, weather, 100);
}

void FleetServers::CutServers(int one, int other) {
  Cut(Route(one, other));
  Cut(Route(other, one));
}

void FleetServers::CutClient(int client, int server) { Cut(Cable(client, server)); }

void FleetServers::MendAll() {
  for (const auto* rows : {&routes_, &cables_}) {
    for (const auto& row : *rows) {
      for (const auto& proxy : row) proxy->Clear();
    }
  }
  for (int i = 0; i < size(); ++i) LeadTo(i);
}

std::vector<std::string> FleetServers::UrlsFor(int client) const {
  std::vector<std::string> urls;
  for (int i = 0; i < size(); ++i) {
    urls.push_back(absl::StrCat("nats://127.0.0.1:", Cable(client, i).port()));
  }
  return urls;
}

bool FleetServers::WaitUntilCurrent(const std::vector<std::string>& streams,
                                    absl::Duration timeout) {
  const SystemClock clock;
  const absl::Duration given_up = clock.Elapsed() + timeout;
  const auto is_current = [this](const std::string& stream) {
    const std::string info = Ask(absl::StrCat("$JS.API.STREAM.INFO.", stream));
    if (size() == 1) return absl::StrContains(info, "\"config\":");
    return absl::StrContains(info, "\"leader\":\"") &&
           !absl::StrContains(info, "\"current\":false") &&
           !absl::StrContains(info, "\"offline\":true") &&
           Occurrences(info, "\"current\":true") >= size() - 1;
  };
  while (!std::all_of(streams.begin(), streams.end(), is_current)) {
    if (clock.Elapsed() > given_up) return false;
    poll(nullptr, 0, kBetweenLooksMs);
  }
  return true;
}

std::string FleetServers::Ask(absl::string_view subject, absl::string_view body) const {
  for (int i = 0; i < size(); ++i) {
    if (!runs(i)) continue;
    std::string answer = AskNats(At(i).process->port(), subject, body);
    if (!answer.empty()) return answer;
  }
  return "";
}

std::string FleetServers::logs() const {
  std::string logs;
  for (int i = 0; i < size(); ++i) {
    absl::StrAppend(&logs, "--- server ", i, ", before\n", At(i).earlier_log, "--- now\n",
                    runs(i) ? EndOf(At(i).process->log()) : "it does not run\n");
  }
  return logs;
}

}  // namespace onhook
