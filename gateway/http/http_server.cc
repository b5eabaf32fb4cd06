#include "gateway/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/http/connection.h"
#include "gateway/http/connection_threads.h"
#include "gateway/http/front_end.h"
#include "gateway/http/listening_socket.h"

namespace onhook {
namespace {

// Between two tries to listen again.
constexpr absl::Duration kReopenPause = absl::Milliseconds(100);

absl::Status CheckLimits(const HttpOptions& options) {
  const bool sizes_are_positive =
      std::min({options.max_request_line_bytes, options.max_header_bytes, options.max_headers,
                options.max_head_bytes, options.max_body_bytes, options.max_linger_bytes}) > 0;
  const bool counts_are_positive =
      std::min({options.max_connections, options.max_connections_per_peer, options.backlog}) > 0 &&
      options.max_refusals >= 0;
  const bool times_are_positive =
      std::min({options.head_timeout, options.request_timeout, options.idle_timeout,
                options.write_timeout, options.linger_timeout}) >= absl::Milliseconds(1);
  if (sizes_are_positive && counts_are_positive && times_are_positive) return absl::OkStatus();
  return absl::InvalidArgumentError("a limit of the HTTP server is not positive");
}

}  // namespace

class HttpServer::Parts {
 public:
  Parts(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log)
      : options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        log_(log),
        front_end_(options_, clock),
        context_{options_, callbacks_.handler, callbacks_.error_body, front_end_, clock, stopping_},
        threads_(options_.max_connections + options_.max_refusals) {}

  absl::Status Start();
  void Stop(absl::Duration grace);
  int port() const { return port_; }
  bool alive() const { return alive_; }

 private:
  // The listener's thread.
  void Listen();
  bool ListenAgain();
  void Take(int socket);

  // Counts one more connection of `peer`, and says whether it may be served.
  bool Admit(const std::string& peer);
  void Discharge(const std::string& peer, bool admitted);
  void Run(int socket, const std::string& peer, bool admitted);

  bool IsDeserted() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_ == 0; }

  const HttpOptions options_;
  const Callbacks callbacks_;
  const Log* const log_;
  FrontEnd front_end_;
  std::atomic<bool> stopping_{false};
  const ConnectionContext context_;

  ListenAddress address_;
  std::atomic<int> port_{0};
  std::atomic<bool> alive_{false};
  absl::Notification stop_;
  std::thread listener_thread_;

  absl::Mutex mutex_;
  int listener_ ABSL_GUARDED_BY(mutex_) = -1;
  absl::flat_hash_set<Connection*> connections_ ABSL_GUARDED_BY(mutex_);
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;     // connections accepted and not yet at their end
  int admitted_ ABSL_GUARDED_BY(mutex_) = 0;  // those of them that are served
  absl::flat_hash_map<std::string, int> admitted_per_peer_ ABSL_GUARDED_BY(mutex_);

  ConnectionThreads threads_;  // last: its destructor waits for those who use the rest
};

absl::Status HttpServer::Parts::Start() {
  if (absl::Status checked = CheckLimits(options_); !checked.ok()) return checked;
  absl::StatusOr<ListenAddress> address = ParseListenAddress(options_.listen);
  if (!address.ok()) return address.status();
  address_ = *std::move(address);
  const absl::StatusOr<int> listener = OpenListeningSocket(address_, options_.backlog);
  if (!listener.ok()) return listener.status();
  port_ = address_.port = BoundPort(*listener);
  {
    absl::MutexLock lock(&mutex_);
    listener_ = *listener;
  }
  alive_ = true;
  listener_thread_ = std::thread([this] { Listen(); });
  return absl::OkStatus();
}

void HttpServer::Parts::Stop(absl::Duration grace) {
  if (!listener_thread_.joinable()) return;
  stopping_ = true;
  stop_.Notify();
  front_end_.StopAccepting();
  listener_thread_.join();
  alive_ = false;

  absl::MutexLock lock(&mutex_);
  close(listener_);
  const absl::Condition deserted(this, &Parts::IsDeserted);
  for (Connection* connection : connections_) connection->CloseIfIdle();
  mutex_.AwaitWithTimeout(deserted, grace);
  for (Connection* connection : connections_) connection->Cut();
  mutex_.Await(deserted);
}

void HttpServer::Parts::Listen() {
  while (true) {
    int listener;
    {
      absl::MutexLock lock(&mutex_);
      // The front end closes what it is given. What waits in the backlog must survive that.
      listener = dup(listener_);
    }
    if (listener >= 0) front_end_.Accept(listener, [this](int socket) { Take(socket); });
    if (stopping_) return;

    alive_ = false;
    const absl::Status why = absl::UnavailableError("no connection can be accepted");
    log_->Error("http", "the listener has failed and will be opened again",
                {{"listen", options_.listen}, {"port", port()}});
    if (callbacks_.on_listener_failed) callbacks_.on_listener_failed(why);
    while (!ListenAgain()) {
      if (stop_.HasBeenNotified()) return;
    }
    alive_ = true;
    log_->Info("http", "the listener is open again", {{"port", port()}});
  }
}

// After a pause, so that a lasting error costs no processor.
bool HttpServer::Parts::ListenAgain() {
  if (stop_.WaitForNotificationWithTimeout(kReopenPause)) return false;
  absl::MutexLock lock(&mutex_);
  if (IsListening(listener_)) return true;
  const absl::StatusOr<int> opened = OpenListeningSocket(address_, options_.backlog);
  if (!opened.ok()) return false;
  close(listener_);
  listener_ = *opened;
  return true;
}

void HttpServer::Parts::Take(int socket) {
  const std::string peer = PeerAddress(socket);
  const bool admitted = Admit(peer);
  if (threads_.Run([=] { Run(socket, peer, admitted); })) return;
  Discharge(peer, admitted);
  close(socket);
}

bool HttpServer::Parts::Admit(const std::string& peer) {
  absl::MutexLock lock(&mutex_);
  ++taken_;
  if (admitted_ >= options_.max_connections) return false;
  if (!IsLoopback(peer)) {
    int& of_peer = admitted_per_peer_[peer];
    if (of_peer >= options_.max_connections_per_peer) return false;
    ++of_peer;
  }
  ++admitted_;
  return true;
}

void HttpServer::Parts::Discharge(const std::string& peer, bool admitted) {
  absl::MutexLock lock(&mutex_);
  --taken_;
  if (!admitted) return;
  --admitted_;
  if (IsLoopback(peer)) return;
  const auto of_peer = admitted_per_peer_.find(peer);
  if (--of_peer->second == 0) admitted_per_peer_.erase(of_peer);
}

void HttpServer::Parts::Run(int socket, const std::string& peer, bool admitted) {
  {
    Connection connection(context_, socket, peer);
    {
      absl::MutexLock lock(&mutex_);
      connections_.insert(&connection);
    }
    if (admitted) {
      connection.Serve();
    } else {
      connection.TurnAway();
    }
    absl::MutexLock lock(&mutex_);
    connections_.erase(&connection);
  }
  Discharge(peer, admitted);
}

HttpServer::HttpServer(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(callbacks), clock, log)) {}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

absl::Status HttpServer::Start() { return parts_->Start(); }

void HttpServer::Stop(absl::Duration grace) { parts_->Stop(grace); }

int HttpServer::port() const { return parts_->port(); }

bool HttpServer::alive() const { return parts_->alive(); }

}  // namespace onhook
