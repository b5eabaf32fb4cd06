#include "gateway/delivery/connection_ledger.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

// Connections cut at once when descriptors have run out: enough for a small burst, few enough for a
// gateway that lacks them again and again.
constexpr int kFreedAtOnce = 16;
// In which the answer to the call of an identity with too many connections reaches its client.
constexpr absl::Duration kAnswerTime = absl::Seconds(1);
constexpr uint64_t kAnyTurn = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kWakeId = 0;

// How gRPC calls a connection's peer, as both sides can tell it. Of a Unix-domain socket it knows
// the number of the descriptor that it was given only.
std::string KeyOf(int socket, const Endpoint& peer) {
  if (peer.port == 0) return absl::StrCat("fd:", socket);
  return absl::StrCat(peer.address, " ", peer.port);
}

// The same of "ipv4:192.0.2.1:4321" and "ipv6:%5B2001:db8::1%5D:4321".
std::string KeyOf(absl::string_view peer) {
  if (absl::StartsWith(peer, "fd:")) return std::string(peer);
  if (!absl::ConsumePrefix(&peer, "ipv4:") && !absl::ConsumePrefix(&peer, "ipv6:")) return "";
  const size_t colon = peer.rfind(':');
  if (colon == absl::string_view::npos) return "";
  absl::string_view address = peer.substr(0, colon);
  if (!absl::ConsumePrefix(&address, "%5B")) absl::ConsumePrefix(&address, "[");
  // Behind the address there may be a scope, and always is the bracket's end.
  address = address.substr(0, address.find_first_of("%]"));
  return absl::StrCat(address, " ", peer.substr(colon + 1));
}

}  // namespace

ConnectionLedger::ConnectionLedger(const DeliveryOptions& options, Metrics* metrics,
                                   const Clock* clock, const Log* log)
    : tick_interval_(options.tick_interval),
      clock_(clock),
      counters_(metrics, clock, log),
      options_(options) {}

ConnectionLedger::~ConnectionLedger() { Stop(); }

absl::Status ConnectionLedger::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeId;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    return absl::UnavailableError("there are no descriptors to watch connections with");
  }
  thread_ = std::thread([this] { Watch(); });
  return absl::OkStatus();
}

void ConnectionLedger::Stop() {
  if (thread_.joinable()) {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
  }
  absl::MutexLock lock(&mutex_);
  for (auto& [id, connection] : connections_) {
    shutdown(connection.descriptor, SHUT_RDWR);
    close(connection.descriptor);
  }
  connections_.clear();
  by_key_.clear();
  per_peer_.clear();
  per_identity_.clear();
  counted_ = 0;
  for (int* descriptor : {&epoll_, &wake_}) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
  }
}

bool ConnectionLedger::Admit(int socket, const Endpoint& peer) {
  const bool capped = peer.port != 0 && !IsLoopback(peer.address);
  Connection connection;
  connection.key = KeyOf(socket, peer);
  if (capped) connection.counted_as = CountedAs(peer.address);
  absl::MutexLock lock(&mutex_);
  if (stopping_ || !HasRoom(connection.counted_as)) return false;
  connection.descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  epoll_event event{};
  event.events = EPOLLET;  // asks for nothing: an end is told without being asked
  event.data.u64 = next_id_;
  if (connection.descriptor < 0 ||
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor, &event) != 0) {
    if (connection.descriptor >= 0) close(connection.descriptor);
    counters_.refused_descriptors.Note();
    return false;
  }
  connection.idle_since = turn_++;
  ++counted_;
  if (capped) ++per_peer_[connection.counted_as];
  by_key_[connection.key] = next_id_;
  connections_[next_id_++] = std::move(connection);
  return true;
}

void ConnectionLedger::SetLimits(const DeliveryOptions& options) {
  absl::MutexLock lock(&mutex_);
  options_ = options;
}

bool ConnectionLedger::HasRoom(const std::string& counted_as) {
  // Once, usually; more often where the limits have become smaller.
  const auto of_peer = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = per_peer_.find(counted_as);
    return found == per_peer_.end() ? 0 : found->second;
  };
  while (!counted_as.empty() && of_peer() >= options_.max_connections_per_peer) {
    if (CutOne(&counted_as, kAnyTurn)) continue;
    counters_.refused_peer.Note();
    return false;
  }
  while (counted_ >= options_.max_connections) {
    if (CutOne(nullptr, kAnyTurn)) continue;
    counters_.refused_connections.Note();
    return false;
  }
  return true;
}

bool ConnectionLedger::CutOne(const std::string* counted_as, uint64_t turn) {
  Connection* chosen = nullptr;
  for (auto& [id, connection] : connections_) {
    if (connection.leaving || connection.streams > 0 || connection.idle_since >= turn) continue;
    if (counted_as != nullptr && connection.counted_as != *counted_as) continue;
    if (chosen == nullptr || connection.idle_since < chosen->idle_since) chosen = &connection;
  }
  if (chosen == nullptr) return false;
  Cut(*chosen);
  (turn == kAnyTurn ? counters_.cut_for_room : counters_.cut_for_descriptors).Note();
  return true;
}

void ConnectionLedger::Cut(Connection& connection) {
  StopCounting(connection);
  connection.leaving = true;
  shutdown(connection.descriptor, SHUT_RDWR);  // of which the ledger's own thread hears
}

void ConnectionLedger::StopCounting(const Connection& connection) {
  const auto leave = [](absl::flat_hash_map<std::string, int>& counts, const std::string& name) {
    const auto found = counts.find(name);
    if (--found->second == 0) counts.erase(found);
  };
  --counted_;
  if (connection.cut_at != absl::InfiniteDuration()) --due_;
  if (!connection.counted_as.empty()) leave(per_peer_, connection.counted_as);
  for (const std::string& identity : connection.identities) leave(per_identity_, identity);
}

ConnectionLedger::Connection* ConnectionLedger::Find(absl::string_view peer, uint64_t* id) {
  const auto by_key = by_key_.find(KeyOf(peer));
  if (by_key == by_key_.end()) return nullptr;
  *id = by_key->second;
  return &connections_.at(*id);
}

absl::Status ConnectionLedger::Attribute(absl::string_view peer, const std::string& identity) {
  int most = 0;
  {
    absl::MutexLock lock(&mutex_);
    most = options_.max_connections_per_identity;
    uint64_t id = 0;
    Connection* const connection = Find(peer, &id);
    if (connection == nullptr || connection->leaving) return absl::OkStatus();
    if (connection->streams == 0) connection->idle_since = turn_++;
    std::vector<std::string>& known = connection->identities;
    if (identity.empty() || std::find(known.begin(), known.end(), identity) != known.end()) {
      return absl::OkStatus();
    }
    int& connections = per_identity_[identity];
    if (connections < most) {
      ++connections;
      known.push_back(identity);
      return absl::OkStatus();
    }
    counters_.refused_identity.Note();
    if (connection->cut_at == absl::InfiniteDuration() && known.empty()) {
      connection->cut_at = clock_->Elapsed() + kAnswerTime;
      ++due_;
    }
  }
  Wake();
  return absl::ResourceExhaustedError(absl::StrCat("identity \"", identity, "\" has ", most,
                                                   " connections already, which is its limit"));
}

uint64_t ConnectionLedger::BeginStream(absl::string_view peer) {
  absl::MutexLock lock(&mutex_);
  uint64_t id = 0;
  Connection* const connection = Find(peer, &id);
  if (connection == nullptr) return 0;
  ++connection->streams;
  return id;
}

void ConnectionLedger::EndStream(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (--found->second.streams == 0) found->second.idle_since = turn_++;
}

void ConnectionLedger::MakeDescriptorsFree() {
  absl::MutexLock lock(&mutex_);
  const uint64_t before = std::exchange(last_shortage_, turn_);
  for (int count = 0; count < kFreedAtOnce && CutOne(nullptr, before); ++count) {
  }
}

size_t ConnectionLedger::size() const {
  absl::MutexLock lock(&mutex_);
  return connections_.size();
}

void ConnectionLedger::Wake() const {
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));  // fails only if it is awake already
}

void ConnectionLedger::Watch() {
  std::array<epoll_event, 64> events{};
  while (true) {
    bool any_due;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      any_due = due_ > 0;
    }
    const int timeout_ms =
        any_due ? static_cast<int>(absl::ToInt64Milliseconds(tick_interval_)) : -1;
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 != kWakeId && (event.events & EPOLLHUP) != 0) Forget(event.data.u64);
    }
    if (any_due) CutThoseDue();
  }
}

void ConnectionLedger::CutThoseDue() {
  const absl::Duration now = clock_->Elapsed();
  absl::MutexLock lock(&mutex_);
  for (auto& [id, connection] : connections_) {
    if (connection.leaving || connection.cut_at > now) continue;
    if (connection.identities.empty()) {
      Cut(connection);
    } else {  // meanwhile somebody came over it who has a place
      connection.cut_at = absl::InfiniteDuration();
      --due_;
    }
  }
}

void ConnectionLedger::Forget(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection& connection = found->second;
  if (!connection.leaving) StopCounting(connection);
  const auto by_key = by_key_.find(connection.key);
  if (by_key != by_key_.end() && by_key->second == id) by_key_.erase(by_key);
  close(connection.descriptor);
  connections_.erase(found);
}

ConnectionLedger::Stream::Stream(ConnectionLedger* ledger, absl::string_view peer)
    : ledger_(ledger), connection_(ledger == nullptr ? 0 : ledger->BeginStream(peer)) {}

ConnectionLedger::Stream::~Stream() {
  if (connection_ != 0) ledger_->EndStream(connection_);
}

}  // namespace onhook
