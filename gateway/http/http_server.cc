#include "gateway/http/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "gateway/base/exchangeable.h"
#include "gateway/http/connection.h"
#include "gateway/http/connection_registry.h"
#include "gateway/http/connection_threads.h"
#include "gateway/http/front_end.h"
#include "gateway/http/refusal.h"
#include "gateway/net/listener.h"
#include "gateway/net/listening_socket.h"

namespace onhook {
namespace {

// Connections that end when descriptors have run out: enough for a small burst, few enough
// for a server that lacks them again and again.
constexpr int kFreedAtOnce = 16;

// Two: while one commits what came, the other takes what comes.
constexpr int kWatchThreads = 2;

// A silent connection lives for its timeout and up to a tenth of that more.
constexpr int kLooksWithinTimeout = 10;
constexpr absl::Duration kShortestLook = absl::Milliseconds(5);
constexpr absl::Duration kLongestLook = absl::Seconds(1);

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

int MostThreads(const HttpOptions& options) {
  return options.max_connections + options.max_refusals + ConnectionRegistry::kLeavingMax;
}

Listener::Options ListenerOptions(const HttpOptions& options) {
  Listener::Options listener;
  listener.listen = options.listen;
  listener.backlog = options.backlog;
  listener.receive_timeout = options.idle_timeout;
  listener.self_dial_interval = options.self_dial_interval;
  listener.self_dials_until_reopened = options.self_dials_until_reopened;
  listener.self_dials_until_given_up = options.self_dials_until_given_up;
  return listener;
}

}  // namespace

class HttpServer::Parts {
 public:
  Parts(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log,
        const TlsFiles* tls)
      : options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        front_end_(clock),
        current_(options_),
        context_{current_,
                 options_.idle_timeout,
                 callbacks_.handler,
                 callbacks_.task,
                 go_on_,
                 callbacks_.error_body,
                 callbacks_.on_refused,
                 front_end_,
                 tls,
                 clock,
                 answers_are_last_,
                 idle_ends_,
                 turns_},
        listener_("http", ListenerOptions(options_),
                  {[this](int socket, const Endpoint& peer) { Take(socket, peer); },
                   [this] { MakeDescriptorsFree(); }, callbacks_.on_listener_failed,
                   callbacks_.on_listener_given_up},
                  clock, log),
        registry_(options_),
        watch_(callbacks_.task == nullptr ? 1 : kWatchThreads,
               {[this](Connection* connection) { GoOn(connection, connection->Take()); },
                callbacks_.together, [this] { return EndSilent(); }},
               clock),
        threads_(MostThreads(options_)) {}

  absl::Status Start();
  void SetLimits(const HttpOptions& options);
  void CloseAfterAnswers() { answers_are_last_ = true; }
  void Stop(absl::Duration grace, absl::Duration idle_grace);
  int port() const { return listener_.port(); }
  bool alive() const { return listener_.alive(); }
  int connections() const { return registry_.served(); }

 private:
  void Take(int socket, const Endpoint& peer);
  void MakeDescriptorsFree();
  void GoOn(Connection* connection, ConnectionStep step);
  void TurnAway(Connection* connection);
  void Remove(Connection* connection);
  absl::Duration EndSilent();

  const HttpOptions options_;  // as the port was opened
  const Callbacks callbacks_;
  FrontEnd front_end_;
  Exchangeable<HttpOptions> current_;
  std::atomic<bool> answers_are_last_{false};
  std::atomic<bool> idle_ends_{false};
  std::atomic<uint64_t> turns_{0};
  const std::function<void(Connection*, ConnectionStep)> go_on_ =
      [this](Connection* connection, ConnectionStep step) { GoOn(connection, step); };
  const ConnectionContext context_;

  Listener listener_;
  std::atomic<uint64_t> last_shortage_turn_{0};
  ConnectionRegistry registry_;
  ConnectionWatch watch_;
  ConnectionThreads threads_;  // last: its destructor waits for those who use the rest
};

absl::Status HttpServer::Parts::Start() {
  if (absl::Status checked = CheckLimits(options_); !checked.ok()) return checked;
  // The listener's form for a Unix-domain socket is not for HTTP.
  if (absl::Status parsed = ParseListenAddress(options_.listen).status(); !parsed.ok()) {
    return parsed;
  }
  if (absl::Status watched = watch_.Start(); !watched.ok()) return watched;
  return listener_.Start();
}

void HttpServer::Parts::SetLimits(const HttpOptions& options) {
  // Whoever is admitted by the new limits must find a thread.
  threads_.SetMaxThreads(std::max(MostThreads(*current_.Get()), MostThreads(options)));
  registry_.SetOptions(options);
  current_.Set(options);
}

void HttpServer::Parts::Stop(absl::Duration grace, absl::Duration idle_grace) {
  answers_are_last_ = true;
  listener_.Stop();
  const absl::Duration for_idle = std::clamp(idle_grace, absl::ZeroDuration(), grace);
  registry_.AwaitNone(for_idle);
  idle_ends_ = true;
  registry_.EndAllIdle();
  registry_.AwaitNone(grace - for_idle);
  registry_.CutAll();
  registry_.AwaitNone(absl::InfiniteDuration());
}

void HttpServer::Parts::Take(int socket, const Endpoint& peer) {
  ConnectionRegistry::Place* const place = registry_.Admit(peer.address);
  if (place == nullptr) {
    if (callbacks_.on_refused) callbacks_.on_refused(refusals::kTooManyConnections.label);
    close(socket);
    return;
  }
  auto* const connection = new Connection(context_, socket, peer.address, place);  // see Remove
  registry_.Occupy(place, connection);
  if (!place->served) return TurnAway(connection);
  const ConnectionStep step = connection->Begin();
  if (step != ConnectionStep::kWatch) return GoOn(connection, step);
  if (!watch_.Watch(connection, /*is_new=*/true)) Remove(connection);
}

void HttpServer::Parts::GoOn(Connection* connection, ConnectionStep step) {
  switch (step) {
    case ConnectionStep::kWatch:
      if (!watch_.Watch(connection, /*is_new=*/false)) Remove(connection);
      return;
    case ConnectionStep::kWork:
      if (threads_.Run([this, connection] { GoOn(connection, connection->Work()); })) return;
      if (callbacks_.on_refused) callbacks_.on_refused(refusals::kTooManyConnections.label);
      return Remove(connection);
    case ConnectionStep::kEnd:
      return Remove(connection);
    case ConnectionStep::kNothing:
      return;
  }
}

void HttpServer::Parts::TurnAway(Connection* connection) {
  const bool taken = threads_.Run([this, connection] {
    connection->TurnAway();
    Remove(connection);
  });
  if (taken) return;
  if (callbacks_.on_refused) callbacks_.on_refused(refusals::kTooManyConnections.label);
  Remove(connection);
}

void HttpServer::Parts::Remove(Connection* connection) {
  ConnectionRegistry::Place* const place = connection->place();
  registry_.Occupy(place, nullptr);
  delete connection;
  registry_.Leave(place);
}

absl::Duration HttpServer::Parts::EndSilent() {
  const std::shared_ptr<const HttpOptions> options = current_.Get();
  registry_.EndSilent(context_.clock->Elapsed());
  const absl::Duration shortest =
      std::min({options->idle_timeout, options->head_timeout, options->request_timeout});
  return std::clamp(shortest / kLooksWithinTimeout, kShortestLook, kLongestLook);
}

void HttpServer::Parts::MakeDescriptorsFree() {
  registry_.EndThoseWaitingSince(last_shortage_turn_.exchange(turns_), kFreedAtOnce);
}

HttpServer::HttpServer(HttpOptions options, Callbacks callbacks, const Clock* clock, const Log* log,
                       const TlsFiles* tls)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(callbacks), clock, log, tls)) {}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

absl::Status HttpServer::Start() { return parts_->Start(); }

void HttpServer::SetLimits(const HttpOptions& options) { parts_->SetLimits(options); }

void HttpServer::CloseAfterAnswers() { parts_->CloseAfterAnswers(); }

void HttpServer::Stop(absl::Duration grace, absl::Duration idle_grace) {
  parts_->Stop(grace, idle_grace);
}

int HttpServer::port() const { return parts_->port(); }

bool HttpServer::alive() const { return parts_->alive(); }

int HttpServer::connections() const { return parts_->connections(); }

}  // namespace onhook
