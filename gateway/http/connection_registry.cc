#include "gateway/http/connection_registry.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/base/ip_network.h"
#include "gateway/net/listening_socket.h"

namespace onhook {
namespace {

// The rank of a connection whose thread is about to start: the newest of those that wait.
constexpr uint64_t kNotYetOccupied = Connection::kInUse - 1;

}  // namespace

void ConnectionRegistry::SetOptions(HttpOptions options) {
  absl::MutexLock lock(&mutex_);
  options_ = std::move(options);
}

ConnectionRegistry::Place* ConnectionRegistry::Admit(const std::string& peer) {
  absl::MutexLock lock(&mutex_);
  const std::string counted_as = IsCapped(peer) ? CountedAs(peer) : "";
  const bool served = HasRoom(counted_as);
  if (!served && turned_away_ >= options_.max_refusals) return nullptr;
  Place& place = places_.emplace_back();
  place.self = std::prev(places_.end());
  place.served = served;
  if (!served) {
    ++turned_away_;
    return &place;
  }
  place.counted_as = counted_as;
  ++served_;
  if (!counted_as.empty()) ++served_per_peer_[counted_as];
  return &place;
}

bool ConnectionRegistry::IsCapped(const std::string& peer) const {
  if (IsLoopback(peer) && !options_.cap_loopback) return false;
  if (options_.uncapped_peers.empty()) return true;
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(peer);
  return !address.ok() ||
         std::none_of(options_.uncapped_peers.begin(), options_.uncapped_peers.end(),
                      [&](const IpNetwork& network) { return network.Contains(*address); });
}

bool ConnectionRegistry::HasRoom(const std::string& counted_as) {
  // Once, usually; more often where the limits have become smaller.
  const auto of_peer = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = served_per_peer_.find(counted_as);
    return found == served_per_peer_.end() ? 0 : found->second;
  };
  while (!counted_as.empty() && of_peer() >= options_.max_connections_per_peer) {
    if (!EndOne(&counted_as)) return false;
  }
  while (served_ >= options_.max_connections) {
    if (!EndOne(nullptr)) return false;
  }
  return true;
}

bool ConnectionRegistry::EndOne(const std::string* counted_as, uint64_t before) {
  if (leaving_ >= kLeavingMax) return false;
  Place* chosen = nullptr;
  uint64_t lowest = before;
  for (Place& place : places_) {
    if (!place.served || place.leaving) continue;
    if (counted_as != nullptr && place.counted_as != *counted_as) continue;
    const uint64_t rank = place.connection == nullptr ? kNotYetOccupied : place.connection->rank();
    if (rank >= lowest) continue;
    lowest = rank;
    chosen = &place;
  }
  if (chosen == nullptr) return false;
  StopCounting(*chosen);
  chosen->leaving = true;
  ++leaving_;
  if (chosen->connection != nullptr) chosen->connection->CloseUnlessInUse();
  return true;
}

void ConnectionRegistry::StopCounting(Place& place) {
  --served_;
  if (place.counted_as.empty()) return;
  const auto of_peer = served_per_peer_.find(place.counted_as);
  if (--of_peer->second == 0) served_per_peer_.erase(of_peer);
}

void ConnectionRegistry::Occupy(Place* place, Connection* connection) {
  absl::MutexLock lock(&mutex_);
  place->connection = connection;
  if (connection != nullptr && place->leaving) connection->CloseUnlessInUse();
}

void ConnectionRegistry::Leave(Place* place) {
  absl::MutexLock lock(&mutex_);
  if (place->leaving) {
    --leaving_;
  } else if (place->served) {
    StopCounting(*place);
  } else {
    --turned_away_;
  }
  places_.erase(place->self);
  if (places_.empty()) emptied_.SignalAll();
}

void ConnectionRegistry::EndThoseWaitingSince(uint64_t turn, int count) {
  absl::MutexLock lock(&mutex_);
  while (count > 0 && EndOne(nullptr, turn)) --count;
}

void ConnectionRegistry::EndSilent(absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  for (Place& place : places_) {
    if (place.connection != nullptr) place.connection->CloseIfSilent(now);
  }
}

void ConnectionRegistry::EndAllIdle() {
  absl::MutexLock lock(&mutex_);
  for (Place& place : places_) {
    if (place.connection != nullptr) place.connection->CloseIfIdle();
  }
}

void ConnectionRegistry::CutAll() {
  absl::MutexLock lock(&mutex_);
  for (Place& place : places_) {
    if (place.connection != nullptr) place.connection->Cut();
  }
}

int ConnectionRegistry::served() const {
  absl::MutexLock lock(&mutex_);
  return served_;
}

bool ConnectionRegistry::AwaitNone(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto is_empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return IsEmpty(); };
  return emptied_.AwaitFor(&mutex_, timeout, is_empty);
}

}  // namespace onhook
