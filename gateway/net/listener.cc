#include "gateway/net/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/steady_condition.h"
#include "gateway/net/accept_loop.h"
#include "gateway/net/listener_watch.h"
#include "gateway/net/unix_socket.h"

namespace onhook {
namespace {

// Between two tries to listen again.
constexpr absl::Duration kReopenPause = absl::Milliseconds(100);
// A shortage comes and goes with each connection; it is logged once in this time.
constexpr absl::Duration kShortageLogged = absl::Minutes(1);

}  // namespace

class Listener::Parts {
 public:
  Parts(absl::string_view component, Options options, Callbacks callbacks, const Clock* clock,
        const Log* log)
      : component_(component),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        log_(log),
        unix_path_(UnixSocketPath(options_.listen)),
        accept_loop_(options_.receive_timeout,
                     {[this](int socket, const Endpoint& peer) { Take(socket, peer); },
                      [this] { NoteShortage(); }}),
        watch_({options_.self_dial_interval, options_.self_dials_until_reopened,
                options_.self_dials_until_given_up},
               {[this] { NoteSilence(); }, [this] { NoteVoice(); }, [this] { GiveUp(); },
                [this] { NoteShortage(); }}),
        shortage_throttle_(clock, kShortageLogged) {}

  absl::Status Start();
  void Stop();
  int port() const { return port_; }
  bool alive() const { return listening_ && !silent_; }

 private:
  bool is_unix() const { return !unix_path_.empty(); }
  absl::StatusOr<UnixSocket> Open() const;
  // Whether the socket that failed listens again as it did, by itself.
  bool Revive(int socket) const;

  // The accepting thread.
  void Listen();
  bool ListenAgain();
  void Take(int socket, const Endpoint& peer);

  // Either thread.
  void NoteShortage();

  // The watch's thread.
  void NoteSilence();
  void NoteVoice();
  void GiveUp();

  void Report(const absl::Status& why) const;

  const absl::string_view component_;
  const Options options_;
  const Callbacks callbacks_;
  const Log* const log_;
  const std::string unix_path_;
  ListenAddress address_;
  std::atomic<int> port_{0};
  std::atomic<bool> listening_{false};
  std::atomic<bool> silent_{false};  // although it listens
  std::atomic<bool> lacks_descriptors_{false};
  SteadyNotification stop_;
  AcceptLoop accept_loop_;
  ListenerWatch watch_;
  LogThrottle shortage_throttle_;
  std::thread thread_;

  absl::Mutex mutex_;
  UnixSocket socket_ ABSL_GUARDED_BY(mutex_);  // of TCP too, which has no file
};

absl::Status Listener::Parts::Start() {
  if (!is_unix()) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(options_.listen);
    if (!address.ok()) return address.status();
    address_ = *std::move(address);
  }
  const absl::StatusOr<UnixSocket> opened = Open();
  if (!opened.ok()) return opened.status();
  if (options_.self_dial_interval > absl::ZeroDuration()) {
    if (absl::Status watched = watch_.Start(opened->descriptor); !watched.ok()) {
      close(opened->descriptor);
      if (is_unix()) RemoveFile(unix_path_, *opened);
      return watched;
    }
  }
  if (!is_unix()) port_ = address_.port = BoundPort(opened->descriptor);
  {
    absl::MutexLock lock(&mutex_);
    socket_ = *opened;
  }
  listening_ = true;
  thread_ = std::thread([this] { Listen(); });
  return absl::OkStatus();
}

void Listener::Parts::Stop() {
  if (!thread_.joinable()) return;
  stop_.Notify();
  watch_.Stop();
  accept_loop_.Stop();
  thread_.join();
  listening_ = false;
  absl::MutexLock lock(&mutex_);
  close(socket_.descriptor);
  if (is_unix()) RemoveFile(unix_path_, socket_);
}

absl::StatusOr<UnixSocket> Listener::Parts::Open() const {
  if (is_unix()) {
    return OpenUnixSocket(unix_path_, static_cast<mode_t>(options_.unix_mode), options_.backlog);
  }
  const absl::StatusOr<int> opened = OpenListeningSocket(address_, options_.backlog);
  if (!opened.ok()) return opened.status();
  return UnixSocket{*opened};
}

void Listener::Parts::Listen() {
  while (true) {
    int socket;
    {
      absl::MutexLock lock(&mutex_);
      socket = socket_.descriptor;
    }
    const absl::Status why = accept_loop_.Run(socket);
    if (stop_.HasBeenNotified()) return;

    listening_ = false;
    log_->Error(component_, "the listener has failed and will be opened again",
                {{"listen", options_.listen}, {"port", port()}, {"why", why}});
    if (!silent_) Report(why);
    while (!ListenAgain()) {
      if (stop_.HasBeenNotified()) return;
    }
    listening_ = true;
    log_->Info(component_, "the listener is open again", {{"port", port()}});
  }
}

// After a pause, so that a lasting error costs no processor.
bool Listener::Parts::ListenAgain() {
  if (stop_.WaitFor(kReopenPause)) return false;
  absl::MutexLock lock(&mutex_);
  if (Revive(socket_.descriptor)) return true;
  const absl::StatusOr<UnixSocket> opened = Open();
  if (!opened.ok()) return false;
  close(socket_.descriptor);
  socket_ = *opened;
  return true;
}

// The same socket needs no new descriptor, of which there may be none. But a Unix-domain socket
// that was shut down stays so, and its file may be gone.
bool Listener::Parts::Revive(int socket) const {
  if (is_unix()) return false;
  listen(socket, options_.backlog);
  return IsListening(socket) && BoundPort(socket) == port();
}

void Listener::Parts::Take(int socket, const Endpoint& peer) {
  lacks_descriptors_ = false;
  if (watch_.Accepted(peer)) {
    close(socket);
    return;
  }
  callbacks_.on_connection(socket, peer);
}

void Listener::Parts::NoteShortage() {
  lacks_descriptors_ = true;
  if (shortage_throttle_.Occurred() > 0) {
    log_->Error(component_, "there are no descriptors for another connection; others are closed",
                {{"listen", options_.listen}, {"port", port()}});
  }
  callbacks_.on_shortage();
}

void Listener::Parts::NoteSilence() {
  silent_ = true;
  log_->Error(component_, "nobody answers at the server's own port",
              {{"listen", options_.listen}, {"port", port()}});
  Report(absl::UnavailableError("no connection is accepted"));
  // Opening again would not find a descriptor, but lose those who wait for one.
  if (lacks_descriptors_) return;
  absl::MutexLock lock(&mutex_);
  // Ends the accept loop, whose thread then listens again.
  shutdown(socket_.descriptor, SHUT_RDWR);
}

void Listener::Parts::NoteVoice() {
  silent_ = false;
  log_->Info(component_, "connections are accepted again", {{"port", port()}});
}

void Listener::Parts::GiveUp() {
  log_->Error(component_, "the listener does not come back", {{"port", port()}});
  if (callbacks_.on_given_up) {
    callbacks_.on_given_up(absl::UnavailableError("the listener does not come back"));
  }
}

void Listener::Parts::Report(const absl::Status& why) const {
  if (callbacks_.on_failed) callbacks_.on_failed(why);
}

Listener::Listener(absl::string_view component, Options options, Callbacks callbacks,
                   const Clock* clock, const Log* log)
    : parts_(std::make_unique<Parts>(component, std::move(options), std::move(callbacks), clock,
                                     log)) {}

Listener::~Listener() { Stop(); }

absl::Status Listener::Start() { return parts_->Start(); }

void Listener::Stop() { parts_->Stop(); }

int Listener::port() const { return parts_->port(); }

bool Listener::alive() const { return parts_->alive(); }

}  // namespace onhook
