#include "gateway/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/http/connection.h"
#include "gateway/http/connection_registry.h"
#include "gateway/http/connection_threads.h"
#include "gateway/http/front_end.h"
#include "gateway/http/refusal.h"
#include "gateway/net/accept_loop.h"
#include "gateway/net/listener_watch.h"
#include "gateway/net/listening_socket.h"

namespace onhook {
namespace {

// Between two tries to listen again.
constexpr absl::Duration kReopenPause = absl::Milliseconds(100);
// Connections that end when descriptors have run out: enough for a small burst, few enough
// for a server that lacks them again and again.
constexpr int kFreedAtOnce = 16;
// A shortage comes and goes with each connection; it is logged once in this time.
constexpr absl::Duration kShortageLogged = absl::Minutes(1);

absl::Status CheckLimits(const HttpOptions& options) {
  const bool sizes_are_positive =
      std::min({options.max_request_line_bytes, options.max_header_bytes, options.max_headers,
                options.max_head_bytes, options.max_body_bytes, options.max_chunk_framing_bytes,
                options.max_linger_bytes}) > 0;
  const bool counts_are_positive =
      std::min({options.max_connections, options.max_connections_per_peer, options.backlog,
                options.self_dials_until_reopened, options.self_dials_until_given_up}) > 0 &&
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
  Parts(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log,
        const TlsFiles* tls)
      : options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        clock_(clock),
        log_(log),
        front_end_(options_, clock),
        context_{options_,
                 callbacks_.handler,
                 callbacks_.error_body,
                 callbacks_.on_refused,
                 front_end_,
                 tls,
                 clock,
                 stopping_,
                 turns_},
        accept_loop_(options_.idle_timeout,
                     {[this](int socket, const Endpoint& peer) { Take(socket, peer); },
                      [this] { MakeDescriptorsFree(); }}),
        watch_({options_.self_dial_interval, options_.self_dials_until_reopened,
                options_.self_dials_until_given_up},
               {[this] { NoteSilence(); }, [this] { NoteVoice(); }, [this] { GiveUp(); }}),
        registry_(options_),
        threads_(options_.max_connections + options_.max_refusals +
                 ConnectionRegistry::kLeavingMax) {}

  absl::Status Start();
  void Stop(absl::Duration grace);
  int port() const { return port_; }
  bool alive() const { return listening_ && !silent_; }

 private:
  // The listener's thread.
  void Listen();
  bool ListenAgain();
  void Take(int socket, const Endpoint& peer);
  void MakeDescriptorsFree();
  void Run(int socket, const std::string& peer, ConnectionRegistry::Place* place);

  // The watch's thread.
  void NoteSilence();
  void NoteVoice();
  void GiveUp();

  void Report(const absl::Status& why) const;

  const HttpOptions options_;
  const Callbacks callbacks_;
  const Clock* const clock_;
  const Log* const log_;
  FrontEnd front_end_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> turns_{0};
  const ConnectionContext context_;

  ListenAddress address_;
  std::atomic<int> port_{0};
  std::atomic<bool> listening_{false};
  std::atomic<bool> silent_{false};  // although it listens
  std::atomic<bool> lacks_descriptors_{false};
  absl::Notification stop_;
  AcceptLoop accept_loop_;
  ListenerWatch watch_;
  std::thread listener_thread_;
  // Of the listener's thread.
  uint64_t last_shortage_turn_ = 0;
  absl::Duration next_shortage_logged_ = -absl::InfiniteDuration();

  absl::Mutex mutex_;
  int listener_ ABSL_GUARDED_BY(mutex_) = -1;

  ConnectionRegistry registry_;
  ConnectionThreads threads_;  // last: its destructor waits for those who use the rest
};

absl::Status HttpServer::Parts::Start() {
  if (absl::Status checked = CheckLimits(options_); !checked.ok()) return checked;
  absl::StatusOr<ListenAddress> address = ParseListenAddress(options_.listen);
  if (!address.ok()) return address.status();
  address_ = *std::move(address);
  const absl::StatusOr<int> listener = OpenListeningSocket(address_, options_.backlog);
  if (!listener.ok()) return listener.status();
  if (options_.self_dial_interval > absl::ZeroDuration()) {
    if (absl::Status watched = watch_.Start(*listener); !watched.ok()) {
      close(*listener);
      return watched;
    }
  }
  port_ = address_.port = BoundPort(*listener);
  {
    absl::MutexLock lock(&mutex_);
    listener_ = *listener;
  }
  listening_ = true;
  listener_thread_ = std::thread([this] { Listen(); });
  return absl::OkStatus();
}

void HttpServer::Parts::Stop(absl::Duration grace) {
  if (!listener_thread_.joinable()) return;
  stopping_ = true;
  stop_.Notify();
  watch_.Stop();
  accept_loop_.Stop();
  listener_thread_.join();
  listening_ = false;
  {
    absl::MutexLock lock(&mutex_);
    close(listener_);
  }
  registry_.EndAllIdle();
  registry_.AwaitNone(grace);
  registry_.CutAll();
  registry_.AwaitNone(absl::InfiniteDuration());
}

void HttpServer::Parts::Listen() {
  while (true) {
    int listener;
    {
      absl::MutexLock lock(&mutex_);
      listener = listener_;
    }
    const absl::Status why = accept_loop_.Run(listener);
    if (stopping_) return;

    listening_ = false;
    log_->Error("http", "the listener has failed and will be opened again",
                {{"listen", options_.listen}, {"port", port()}, {"why", why}});
    if (!silent_) Report(why);
    while (!ListenAgain()) {
      if (stop_.HasBeenNotified()) return;
    }
    listening_ = true;
    log_->Info("http", "the listener is open again", {{"port", port()}});
  }
}

// After a pause, so that a lasting error costs no processor.
bool HttpServer::Parts::ListenAgain() {
  if (stop_.WaitForNotificationWithTimeout(kReopenPause)) return false;
  absl::MutexLock lock(&mutex_);
  // The same socket needs no new descriptor, of which there may be none.
  listen(listener_, options_.backlog);
  if (IsListening(listener_) && BoundPort(listener_) == port()) return true;
  const absl::StatusOr<int> opened = OpenListeningSocket(address_, options_.backlog);
  if (!opened.ok()) return false;
  close(listener_);
  listener_ = *opened;
  return true;
}

void HttpServer::Parts::Take(int socket, const Endpoint& peer) {
  lacks_descriptors_ = false;
  if (watch_.Accepted(peer)) {
    close(socket);
    return;
  }
  ConnectionRegistry::Place* const place = registry_.Admit(peer.address);
  const auto serve = [this, socket, address = peer.address, place] { Run(socket, address, place); };
  if (place != nullptr && threads_.Run(serve)) return;
  if (callbacks_.on_refused) callbacks_.on_refused(refusals::kTooManyConnections.label);
  if (place != nullptr) registry_.Leave(place);
  close(socket);
}

void HttpServer::Parts::MakeDescriptorsFree() {
  lacks_descriptors_ = true;
  const absl::Duration now = clock_->Elapsed();
  if (now >= next_shortage_logged_) {
    next_shortage_logged_ = now + kShortageLogged;
    log_->Error("http", "there are no descriptors for another connection; others are closed",
                {{"listen", options_.listen}, {"port", port()}});
  }
  registry_.EndThoseWaitingSince(last_shortage_turn_, kFreedAtOnce);
  last_shortage_turn_ = turns_;
}

void HttpServer::Parts::Run(int socket, const std::string& peer, ConnectionRegistry::Place* place) {
  const bool served = place->served;
  {
    Connection connection(context_, socket, peer);
    registry_.Occupy(place, &connection);
    if (served) {
      connection.Serve();
    } else {
      connection.TurnAway();
    }
    registry_.Occupy(place, nullptr);
  }
  registry_.Leave(place);
}

void HttpServer::Parts::NoteSilence() {
  silent_ = true;
  const absl::Status why = absl::UnavailableError("no connection is accepted");
  log_->Error("http", "nobody answers at the server's own port",
              {{"listen", options_.listen}, {"port", port()}});
  Report(why);
  // Opening again would not find a descriptor, but lose those who wait for one.
  if (lacks_descriptors_) return;
  absl::MutexLock lock(&mutex_);
  shutdown(listener_, SHUT_RDWR);  // ends the accept loop, whose thread then listens again
}

void HttpServer::Parts::NoteVoice() {
  silent_ = false;
  log_->Info("http", "connections are accepted again", {{"port", port()}});
}

void HttpServer::Parts::GiveUp() {
  log_->Error("http", "the listener does not come back", {{"port", port()}});
  if (callbacks_.on_listener_given_up) {
    callbacks_.on_listener_given_up(absl::UnavailableError("the listener does not come back"));
  }
}

void HttpServer::Parts::Report(const absl::Status& why) const {
  if (callbacks_.on_listener_failed) callbacks_.on_listener_failed(why);
}

HttpServer::HttpServer(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log,
                       const TlsFiles* tls)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(callbacks), clock, log, tls)) {}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

absl::Status HttpServer::Start() { return parts_->Start(); }

void HttpServer::Stop(absl::Duration grace) { parts_->Stop(grace); }

int HttpServer::port() const { return parts_->port(); }

bool HttpServer::alive() const { return parts_->alive(); }

}  // namespace onhook
