#include "tests/support/nats_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "httplib.h"

namespace onhook {
namespace {

// Somebody else may have a port for a moment that we had before.
constexpr absl::Duration kBetweenLaunches = absl::Milliseconds(100);
constexpr absl::Duration kBetweenQuestions = absl::Milliseconds(20);
constexpr int kMonitoringSeconds = 10;

std::string ProgramOf(NatsVersion version) {
  return absl::StrCat(ONHOOK_NATS_SERVERS_PATH,
                      version == NatsVersion::kNewest ? "/newest" : "/oldest", "/nats-server");
}

// The number that follows the first `words` in the log; 0 if there is none (yet).
int PortAfter(absl::string_view log, absl::string_view words) {
  const size_t found = log.find(words);
  if (found == absl::string_view::npos) return 0;
  log.remove_prefix(found + words.size());
  int port = 0;
  return absl::SimpleAtoi(log.substr(0, log.find_first_not_of("0123456789")), &port) ? port : 0;
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, NatsVersion version) {
  return stream << (version == NatsVersion::kNewest ? "newest" : "oldest");
}

std::string NatsServer::Missing(NatsVersion version) {
  const std::string program = ProgramOf(version);
  if (access(program.c_str(), X_OK) == 0) return "";
  return absl::StrCat("no ", program, ": ./deploy/setup.sh --tests fetches it");
}

int NatsServer::FreePort() {
  absl::BitGen random;
  while (true) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(absl::Uniform<uint16_t>(random, 10000, 32768));
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool free = bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    close(descriptor);
    if (free) return ntohs(address.sin_port);
  }
}

NatsServer::NatsServer(Options options) : options_(std::move(options)) {
  if (options_.directory.empty()) options_.directory = own_directory_.path();
}

NatsServer::~NatsServer() = default;

bool NatsServer::Start(absl::Duration timeout) {
  if (!running()) Launch();
  return WaitUntilReady(timeout);
}

void NatsServer::Launch() {
  std::filesystem::create_directories(options_.directory);
  const std::string file = options_.directory + "/nats.conf";
  std::ofstream(file, std::ios::trunc) << Configuration();
  monitoring_port_ = 0;
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{ProgramOf(options_.version), "-c", file});
}

std::filesystem::path NatsServer::PlaceOfStores() {
  constexpr const char* kMemory = "/dev/shm";
  constexpr uint64_t kRoom = uint64_t{4} << 30;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(kMemory, error);
  const bool has_room = !error && space.available >= kRoom && access(kMemory, W_OK) == 0;
  return has_room ? std::filesystem::path(kMemory) : std::filesystem::temp_directory_path();
}

bool NatsServer::WaitUntilReady(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    // It listens for other servers only after it has said that it is ready.
    const bool has_routes = absl::StrContains(options_.more_configuration, "cluster");
    const auto ready = [has_routes](absl::string_view log) {
      return absl::StrContains(log, "Server is ready") &&
             (!has_routes || absl::StrContains(log, "Listening for route connections on "));
    };
    const bool said_so = process_->WaitForOutput(ready, deadline - absl::Now());
    if (said_so && running()) {
      monitoring_port_ = PortAfter(log(), "Starting http monitor on 127.0.0.1:");
      return true;
    }
    // Its output may end a moment before it does.
    if (!process_->Wait(std::max(deadline - absl::Now(), absl::ZeroDuration())).has_value() ||
        !absl::StrContains(log(), "address already in use") || absl::Now() > deadline) {
      return false;
    }
    absl::SleepFor(kBetweenLaunches);
    Launch();
  }
}

bool NatsServer::running() {
  return process_ != nullptr && !process_->Wait(absl::ZeroDuration()).has_value();
}

void NatsServer::Stop() { End(SIGTERM); }

void NatsServer::Kill() { End(SIGKILL); }

void NatsServer::End(int signal_number) {
  if (process_ == nullptr) return;
  process_->Signal(signal_number);
  Continue();
  process_->Wait(absl::InfiniteDuration());
}

void NatsServer::Pause() {
  process_->Signal(SIGSTOP);
  paused_ = true;
}

void NatsServer::Continue() {
  process_->Signal(SIGCONT);
  paused_ = false;
}

std::string NatsServer::url() const { return absl::StrCat("nats://127.0.0.1:", port_); }

std::string NatsServer::Ask(absl::string_view path) const {
  if (monitoring_port_ == 0) return "";
  httplib::Client client("127.0.0.1", monitoring_port_);
  client.set_connection_timeout(kMonitoringSeconds);
  client.set_read_timeout(kMonitoringSeconds);
  const httplib::Result result = client.Get(std::string(path));
  return result && result->status == 200 ? result->body : "";
}

bool NatsServer::WaitForAnswer(absl::string_view path, absl::string_view text,
                               absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  while (!absl::StrContains(Ask(path), text)) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(kBetweenQuestions);
  }
  return true;
}

std::string NatsServer::Configuration() const {
  return absl::StrCat("server_name: ", options_.name, "\nlisten: \"127.0.0.1:", port_,
                      "\"\nhttp: \"127.0.0.1:-1\"\njetstream {\n  store_dir: \"",
                      options_.directory, "/store\"\n  max_mem: 64MB\n  max_file: 8GB\n",
                      options_.sync_always ? "  sync_interval: always\n" : "", "}\n",
                      options_.more_configuration, "\n");
}

}  // namespace onhook
