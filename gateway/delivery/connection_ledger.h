#ifndef ONHOOK_GATEWAY_DELIVERY_CONNECTION_LEDGER_H_
#define ONHOOK_GATEWAY_DELIVERY_CONNECTION_LEDGER_H_

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/delivery_options.h"
#include "gateway/delivery/connection_counters.h"
#include "gateway/net/listening_socket.h"

namespace onhook {

// Which connections the gRPC port has, whose they are, and which has to go when there are too many.
//
// Why: gRPC has no limit on connections, and does not tell when one ends. So of each connection the
// ledger keeps a descriptor of its own: the kernel reports the end there, whoever brings it about,
// and a connection can be cut by it.
//
// Promises:
//   L1 capped     At most max_connections, of one peer max_connections_per_peer (of IPv6 a /64
//                 network is a peer; loopback and Unix-domain sockets are not capped), of one
//                 identity max_connections_per_identity.
//   L2 open       A connection without a stream keeps nobody out: for a newcomer that would find no
//                 place, that one is cut which has had none for the longest. One with a stream is
//                 never cut for another.
//   L3 forgotten  When a connection has ended, its place is free, whoever ended it.
// Threads: any; it has one of its own. Blocking: Stop, until that has ended.
class ConnectionLedger {
 public:
  // All but `options` must outlive it; `metrics` may be null.
  ConnectionLedger(const DeliveryOptions& options, Metrics* metrics, const Clock* clock,
                   const Log* log);
  ~ConnectionLedger();  // stops
  ConnectionLedger(const ConnectionLedger&) = delete;
  ConnectionLedger& operator=(const ConnectionLedger&) = delete;

  // To be called before all others. kUnavailable: there are no descriptors for it.
  absl::Status Start();
  // Cuts all connections that are left.
  void Stop();

  // Other numbers of connections hold from now on. Where there are more, those without a stream
  // make room as newcomers come.
  void SetLimits(const DeliveryOptions& options);

  // Counts `socket`, which stays the caller's, until the connection ends. False: there is no place
  // for it, which has been counted and logged; it should be closed.
  bool Admit(int socket, const Endpoint& peer);

  // A call of `identity` came over the connection that gRPC calls `peer` (ServerContext::peer).
  // kResourceExhausted: the identity has as many connections as it may; the call should be answered
  // so, and its connection is cut some time after that, unless it is another identity's too, as a
  // proxy's may be. "" is nobody's name and has no cap.
  absl::Status Attribute(absl::string_view peer, const std::string& identity);

  // A stream began on the connection that gRPC calls `peer`, and lasts as long as this object,
  // which must not outlive the ledger. An unknown peer counts nowhere.
  class Stream {
   public:
    Stream() = default;
    // `ledger` may be null.
    Stream(ConnectionLedger* ledger, absl::string_view peer);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

   private:
    ConnectionLedger* ledger_ = nullptr;
    uint64_t connection_ = 0;
  };

  // There are no descriptors: cuts up to some connections without a stream, but none that came
  // after the last call, since who has just come is about to begin one.
  void MakeDescriptorsFree();

  size_t size() const;

 private:
  struct Connection {
    std::string key;
    std::string counted_as;  // empty: its peer has no cap of its own
    int descriptor = -1;     // the ledger's own
    std::vector<std::string> identities;
    int streams = 0;
    uint64_t idle_since = 0;  // a turn
    bool leaving = false;     // was cut, is no longer counted
    // One whose identity has too many; cut then.
    absl::Duration cut_at = absl::InfiniteDuration();
  };
  using Connections = std::map<uint64_t, Connection>;

  void Watch();
  bool HasRoom(const std::string& counted_as) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Cuts the connection without a stream that has been so the longest, if since before `turn`: of
  // one peer or, if that is null, of all.
  bool CutOne(const std::string* counted_as, uint64_t turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cut(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CutThoseDue() ABSL_LOCKS_EXCLUDED(mutex_);
  void StopCounting(const Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  Connection* Find(absl::string_view peer, uint64_t* id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t BeginStream(absl::string_view peer);
  void EndStream(uint64_t id);
  void Wake() const;

  const absl::Duration tick_interval_;
  const Clock* const clock_;
  ConnectionCounters counters_;
  int epoll_ = -1;
  int wake_ = -1;
  std::thread thread_;

  mutable absl::Mutex mutex_;
  DeliveryOptions options_ ABSL_GUARDED_BY(mutex_);
  Connections connections_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint64_t> by_key_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int> per_peer_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int> per_identity_ ABSL_GUARDED_BY(mutex_);
  int counted_ ABSL_GUARDED_BY(mutex_) = 0;
  int due_ ABSL_GUARDED_BY(mutex_) = 0;  // connections with a cut_at
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t last_shortage_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CONNECTION_LEDGER_H_
