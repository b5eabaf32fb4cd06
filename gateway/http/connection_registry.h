#ifndef ONHOOK_GATEWAY_HTTP_CONNECTION_REGISTRY_H_
#define ONHOOK_GATEWAY_HTTP_CONNECTION_REGISTRY_H_

#include <cstdint>
#include <list>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
#include "gateway/config/http_options.h"
#include "gateway/http/connection.h"

namespace onhook {

// One accepted connection.
struct ConnectionPlace {
  std::list<ConnectionPlace>::iterator self;
  std::string counted_as;  // empty: its peer has no cap of its own
  bool served = false;
  bool leaving = false;  // was served, was told to end, is no longer counted
  Connection* connection = nullptr;
};

// Which connections are open, who has how many of them, and who has to go when there are too many.
//
// Promises:
//   - At most max_connections are served, and of one peer at most max_connections_per_peer. Of IPv6
//     a peer is its /64 network, since one subscriber usually has all of that.
//   - An idle or slow connection keeps nobody out: for a newcomer that would find no place that one
//     ends which has been waiting the longest for a request, for the rest of one, or for its client
//     to take an answer. A connection whose whole request is being served is never ended for
//     another.
// Threads: any. Blocking: AwaitNone() only.
class ConnectionRegistry {
 public:
  // Connections that were told to end, and have not done so yet, at the same time.
  static constexpr int kLeavingMax = 256;

  using Place = ConnectionPlace;

  explicit ConnectionRegistry(HttpOptions options) : options_(std::move(options)) {}

  // Others hold from now on. Where there are more connections than they allow, idle ones make room
  // as newcomers come; none that is in use ends.
  void SetOptions(HttpOptions options);

  // Counts one more connection of `peer`, an Endpoint's address, until Leave(). One that is not to
  // be served should be told so and closed; null if max_refusals are being told so already.
  Place* Admit(const std::string& peer);

  // `connection` has taken its place; it exists until Leave().
  void Occupy(Place* place, Connection* connection);
  void Leave(Place* place);

  // Ends up to `count` connections as if for newcomers, but none that began to wait at `turn` (of
  // ConnectionContext::turns) or later: who has just come is about to send its request.
  void EndThoseWaitingSince(uint64_t turn, int count);
  // Connection::CloseIfSilent of all. To be called now and then.
  void EndSilent(absl::Duration now);
  // Ends all that are idle.
  void EndAllIdle();
  // Breaks all connections.
  void CutAll();
  // Connections that have a place.
  int served() const;
  // Waits until there is no connection. False: there still was one after `timeout`.
  bool AwaitNone(absl::Duration timeout);

 private:
  bool IsCapped(const std::string& peer) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Makes room if that can be done; an empty `counted_as` has no cap of its own.
  bool HasRoom(const std::string& counted_as) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection of the lowest rank, if that is below `before`: of one peer or, if that is
  // null, of all.
  bool EndOne(const std::string* counted_as, uint64_t before = Connection::kInUse)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StopCounting(Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsEmpty() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return places_.empty(); }

  mutable absl::Mutex mutex_;
  SteadyCondition emptied_;
  HttpOptions options_ ABSL_GUARDED_BY(mutex_);
  std::list<Place> places_ ABSL_GUARDED_BY(mutex_);
  int served_ ABSL_GUARDED_BY(mutex_) = 0;
  int turned_away_ ABSL_GUARDED_BY(mutex_) = 0;
  int leaving_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, int> served_per_peer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_REGISTRY_H_
