#include "gateway/store/jetstream/nats_session.h"

#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/regular_file.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/nats_error_text.h"
#include "gateway/store/jetstream/socket_loop.h"

namespace onhook {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
// A server that tells nothing although it is asked is given up after three of these at most.
constexpr absl::Duration kQuietInterval = absl::Seconds(2);
constexpr absl::Duration kLastFlush = absl::Milliseconds(500);
// A server that takes nothing until it is given up lets that much gather.
constexpr int kMostUnsentBytes = 64 << 20;
constexpr int kMostWritesInARow = 16;
constexpr size_t kMostSecretBytes = 64 << 10;

struct OptionsDeleter {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using LibraryOptions = std::unique_ptr<natsOptions, OptionsDeleter>;

struct MessageDeleter {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using LibraryMessage = std::unique_ptr<natsMsg, MessageDeleter>;

struct ConnectionDeleter {
  void operator()(natsConnection* connection) const { natsConnection_Destroy(connection); }
};
using LibraryConnection = std::unique_ptr<natsConnection, ConnectionDeleter>;

// --- options

std::string LastError(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* detail = nats_GetLastError(&last);
  const bool is_of_this = last == status && detail != nullptr;
  return NatsErrorText(natsStatus_GetText(status), is_of_this ? detail : "");
}

absl::Status Usable(natsStatus status, absl::string_view what) {
  if (status == NATS_OK) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " cannot be used: ", LastError(status)));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::string content;
  const absl::Status status = ReadRegularFile(path, kMostSecretBytes, content);
  if (status.ok()) return content;
  return absl::Status(status.code(), absl::StrCat("the file ", path, " ", status.message()));
}

bool IsSecure(const NatsOptions& options) {
  if (!options.ca_file.empty() || !options.certificate_file.empty()) return true;
  for (const std::string& server : options.servers) {
    if (absl::StartsWith(server, "tls://")) return true;
  }
  return false;
}

absl::Status SetServers(const NatsOptions& options, natsOptions* to) {
  std::vector<const char*> servers;
  for (const std::string& server : options.servers) {
    absl::string_view address = server;
    if ((!absl::ConsumePrefix(&address, "tls://") && !absl::ConsumePrefix(&address, "nats://")) ||
        address.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", server, "\" is no address of a server: nats://HOST:PORT, or tls://"));
    }
    servers.push_back(server.c_str());
  }
  if (servers.empty()) return absl::InvalidArgumentError("no server is named");
  natsStatus status = natsOptions_SetServers(to, servers.data(), static_cast<int>(servers.size()));
  if (status == NATS_OK) status = natsOptions_SetSecure(to, IsSecure(options));
  return Usable(status, "the list of servers");
}

absl::Status SetCredentials(const NatsOptions& options, natsOptions* to) {
  if (!options.credentials_file.empty()) {
    // libnats reads it when it connects only.
    const absl::Status readable = ReadFile(options.credentials_file).status();
    if (!readable.ok()) return readable;
    const absl::Status status = Usable(
        natsOptions_SetUserCredentialsFromFiles(to, options.credentials_file.c_str(), nullptr),
        options.credentials_file);
    if (!status.ok()) return status;
  }
  if (options.user.empty()) return absl::OkStatus();
  std::string password;
  if (!options.password_file.empty()) {
    absl::StatusOr<std::string> content = ReadFile(options.password_file);
    if (!content.ok()) return content.status();
    password = *std::move(content);
    if (absl::EndsWith(password, "\n")) password.pop_back();
  }
  return Usable(natsOptions_SetUserInfo(to, options.user.c_str(), password.c_str()),
                "user and password");
}

absl::Status SetCertificates(const NatsOptions& options, natsOptions* to) {
  if (!options.ca_file.empty()) {
    const absl::Status status =
        Usable(natsOptions_LoadCATrustedCertificates(to, options.ca_file.c_str()), options.ca_file);
    if (!status.ok()) return status;
  }
  if (options.certificate_file.empty()) return absl::OkStatus();
  return Usable(natsOptions_LoadCertificatesChain(to, options.certificate_file.c_str(),
                                                  options.key_file.c_str()),
                options.certificate_file);
}

absl::StatusOr<LibraryOptions> MakeOptions(const NatsOptions& options) {
  natsOptions* made = nullptr;
  absl::Status status = Usable(natsOptions_Create(&made), "libnats");
  LibraryOptions owned(made);
  if (status.ok()) status = SetServers(options, made);
  if (status.ok()) status = SetCredentials(options, made);
  if (status.ok()) status = SetCertificates(options, made);
  if (!status.ok()) return status;
  natsOptions_SetName(made, "onhook");
  natsOptions_SetAllowReconnect(made, false);
  natsOptions_SetTimeout(made, absl::ToInt64Milliseconds(kConnectTimeout));
  natsOptions_SetPingInterval(made, absl::ToInt64Milliseconds(options.ping_interval));
  // It would close the connection on a thread of its own while ours reads.
  natsOptions_SetMaxPingsOut(made, std::numeric_limits<int>::max());
  // Else its flusher, a thread of its own, would let each message lie for a millisecond.
  natsOptions_SetSendAsap(made, true);
  return owned;
}

// --- messages

// What the server tells beside the protocol's name has names of libnats' own.
void CopyHeaders(natsMsg* from, NatsMessage& to) {
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(from, &keys, &count) != NATS_OK) return;
  for (int i = 0; i < count; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(from, keys[i], &value) != NATS_OK || value == nullptr) continue;
    const absl::string_view key = keys[i];
    if (key == "Status") {
      if (!absl::SimpleAtoi(value, &to.status)) to.status = 0;
    } else if (key == "Description") {
      to.status_description = value;
    } else {
      to.headers.emplace_back(keys[i], value);
    }
  }
  free(keys);
}

NatsMessage Copy(natsMsg* from) {
  NatsMessage to;
  to.subject = natsMsg_GetSubject(from);
  if (const char* reply = natsMsg_GetReply(from)) to.reply = reply;
  to.data.assign(natsMsg_GetData(from), static_cast<size_t>(natsMsg_GetDataLength(from)));
  CopyHeaders(from, to);
  return to;
}

// --- subscriptions

// What libnats' thread for a subscription needs, until it says that it is done.
struct Delivery {
  std::shared_ptr<GuardedHandler> handler;
  int64_t number;
};

void OnMessage(natsConnection*, natsSubscription*, natsMsg* message, void* delivery) {
  const LibraryMessage owned(message);
  const auto* const to = static_cast<Delivery*>(delivery);
  to->handler->Call(to->number, Copy(message));
}

void OnDelivered(void* delivery) { delete static_cast<Delivery*>(delivery); }

// Of a subscription that its connection has closed in the very moment it was made libnats does not
// tell when its thread is done. It is small and happens next to never: it stays.
void KeepForGood(void* delivery) {
  static absl::Mutex mutex;
  static auto* const kept = new std::vector<void*>;
  absl::MutexLock lock(&mutex);
  kept->push_back(delivery);
}

class SessionSubscription final : public NatsSubscription {
 public:
  SessionSubscription(natsSubscription* subscription, std::shared_ptr<absl::Mutex> io_mutex)
      : io_mutex_(std::move(io_mutex)), subscription_(subscription) {}
  ~SessionSubscription() override {
    absl::MutexLock lock(io_mutex_.get());
    natsSubscription_Unsubscribe(subscription_);  // fails where it has ended already: no matter
    natsSubscription_Destroy(subscription_);
  }
  void Drain() override { natsSubscription_Drain(subscription_); }

 private:
  const std::shared_ptr<absl::Mutex> io_mutex_;  // of its session
  natsSubscription* const subscription_;
};

// --- the session

class LibnatsSession final : public NatsSession {
 public:
  LibnatsSession(bool secure, Callbacks callbacks)
      : callbacks_(std::move(callbacks)),
        secure_(secure),
        loop_({[this] { Read(); }, [this] { Write(); }, [this] { GiveUp(); }}, kQuietInterval) {}
  ~LibnatsSession() override { Close(); }

  absl::Status Connect(natsOptions* options);

  absl::Duration silence() const override {
    return clock_.Elapsed() - absl::Nanoseconds(read_at_ns_.load());
  }
  int64_t max_payload() const override { return natsConnection_GetMaxPayload(owned_.get()); }
  std::string server() const override;
  std::string error() const override;
  absl::Status Send(const std::string& subject, const std::string& reply,
                    const NatsHeaders& headers, absl::string_view data) override;
  std::unique_ptr<NatsSubscription> Subscribe(const std::string& subject,
                                              std::shared_ptr<GuardedHandler> handler,
                                              int64_t number) override;
  void Close() override;

 private:
  natsConnection* library() const { return library_.load(std::memory_order_acquire); }
  void Read();
  void Write();
  void GiveUp();

  static natsStatus OnAttach(void** data, void* self, natsConnection* library, natsSock socket);
  static natsStatus OnReads(void* self, bool want);
  static natsStatus OnWrites(void* self, bool want);
  static natsStatus OnDetach(void* self);
  static void OnClosed(natsConnection*, void* self);
  static void OnError(natsConnection*, natsSubscription*, natsStatus status, void* self);

  const Callbacks callbacks_;
  const bool secure_;
  std::atomic<natsConnection*> library_{nullptr};
  std::atomic<int64_t> unwritten_{0};  // calls of Write that somebody is to do
  std::atomic<int> unsent_bytes_{0};   // that the socket did not take
  std::atomic<bool> given_up_{false};
  const SystemClock clock_;
  std::atomic<int64_t> read_at_ns_{absl::ToInt64Nanoseconds(clock_.Elapsed())};
  // Whoever reads, writes, closes or unsubscribes has it. libnats reads with no lock of its own,
  // while whichever thread finds the connection broken closes the socket; and a subscription that
  // ends is destroyed under the hands of who has just read a message for it.
  const std::shared_ptr<absl::Mutex> io_mutex_ = std::make_shared<absl::Mutex>();
  LibraryConnection owned_;
  SocketLoop loop_;           // ends before what it calls
  bool closed_here_ = false;  // of whoever calls Close

  absl::Mutex mutex_;
  SteadyCondition changed_;
  bool attached_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// Whether this thread is going to write what libnats wants to be written.
thread_local bool writing_here = false;
// Whether libnats told this thread that all is written.
thread_local bool all_written = false;

absl::Status LibnatsSession::Connect(natsOptions* options) {
  if (!loop_.ok()) return absl::UnavailableError("no file descriptor is left");
  natsOptions_SetClosedCB(options, &OnClosed, this);
  natsOptions_SetErrorHandler(options, &OnError, this);
  natsOptions_SetEventLoop(options, this, &OnAttach, &OnReads, &OnWrites, &OnDetach);
  natsConnection* made = nullptr;
  const natsStatus status = natsConnection_Connect(&made, options);
  owned_.reset(made);
  if (status == NATS_OK) return absl::OkStatus();
  return absl::UnavailableError(LastError(status));
}

natsStatus LibnatsSession::OnAttach(void** data, void* self, natsConnection* library,
                                    natsSock socket) {
  auto* const session = static_cast<LibnatsSession*>(self);
  *data = self;
  {
    absl::MutexLock lock(&session->mutex_);
    session->attached_ = true;
  }
  session->library_.store(library, std::memory_order_release);
  session->loop_.Watch(socket);
  return NATS_OK;
}

natsStatus LibnatsSession::OnReads(void* self, bool want) {
  static_cast<LibnatsSession*>(self)->loop_.WantReads(want);
  return NATS_OK;
}

// With libnats' lock held, so in the order of what it means.
natsStatus LibnatsSession::OnWrites(void* self, bool want) {
  if (!want) all_written = true;
  if (!want || !writing_here) static_cast<LibnatsSession*>(self)->loop_.WantWrites(want);
  return NATS_OK;
}

// The last that is called of a connection, on whichever thread closes it; the socket is closed.
natsStatus LibnatsSession::OnDetach(void* self) {
  auto* const session = static_cast<LibnatsSession*>(self);
  session->loop_.Watch(-1);
  absl::MutexLock lock(&session->mutex_);
  session->attached_ = false;
  session->changed_.SignalAll();
  return NATS_OK;
}

void LibnatsSession::OnClosed(natsConnection*, void* self) {
  auto* const session = static_cast<LibnatsSession*>(self);
  session->callbacks_.broke();
  absl::MutexLock lock(&session->mutex_);
  session->closed_ = true;
  session->changed_.SignalAll();
}

void LibnatsSession::OnError(natsConnection*, natsSubscription*, natsStatus status, void* self) {
  static_cast<LibnatsSession*>(self)->callbacks_.error(natsStatus_GetText(status));
}

std::string LibnatsSession::server() const {
  char server[256] = "";
  natsConnection_GetConnectedUrl(owned_.get(), server, sizeof server);
  return server;
}

std::string LibnatsSession::error() const {
  if (given_up_) return "the server was silent";
  const char* error = nullptr;
  const natsStatus status = natsConnection_GetLastError(owned_.get(), &error);
  if (status == NATS_OK || error == nullptr) return "closed by the server";
  return NatsErrorText("", error);
}

absl::Status LibnatsSession::Send(const std::string& subject, const std::string& reply,
                                  const NatsHeaders& headers, absl::string_view data) {
  if (unsent_bytes_.load(std::memory_order_relaxed) > kMostUnsentBytes) {
    return absl::UnavailableError("the NATS server takes nothing");
  }
  natsMsg* made = nullptr;
  natsStatus status =
      natsMsg_Create(&made, subject.c_str(), reply.empty() ? nullptr : reply.c_str(), data.data(),
                     static_cast<int>(data.size()));
  const LibraryMessage message(made);
  for (const auto& [name, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(made, name.c_str(), value.c_str());
  }
  if (status == NATS_OK) {
    writing_here = !secure_;
    status = natsConnection_PublishMsg(owned_.get(), made);
    writing_here = false;
  }
  if (status == NATS_OK) {
    if (!secure_) Write();
    return absl::OkStatus();
  }
  if (status == NATS_MAX_PAYLOAD) {
    return absl::InvalidArgumentError("larger than the NATS servers let a message be");
  }
  return absl::UnavailableError(absl::StrCat("NATS did not take a message: ", LastError(status)));
}

void LibnatsSession::Read() {
  read_at_ns_ = absl::ToInt64Nanoseconds(clock_.Elapsed());
  absl::MutexLock lock(io_mutex_.get());
  natsConnection_ProcessReadEvent(library());
}

void LibnatsSession::GiveUp() {
  given_up_ = true;
  absl::MutexLock lock(io_mutex_.get());
  natsConnection_Close(library());
}

// Whoever finds nobody at it writes what there is, and what others bring meanwhile: so there is one
// call of the system for many messages when there are many. Where the connection is secure it is
// always the loop, for OpenSSL lets one thread only read and write.
void LibnatsSession::Write() {
  int64_t calls = unwritten_.fetch_add(1) + 1;
  if (calls != 1) return;
  for (int i = 0; calls != 0; ++i) {
    if (i == kMostWritesInARow) {
      unwritten_.store(0);
      return loop_.WantWrites(true);
    }
    all_written = false;
    // Writing nothing looks to libnats like the end of the connection.
    if (natsConnection_Buffered(library()) > 0) {
      absl::MutexLock lock(io_mutex_.get());
      natsConnection_ProcessWriteEvent(library());
    } else {
      all_written = true;
    }
    unsent_bytes_ = all_written ? 0 : std::max(0, natsConnection_Buffered(library()));
    if (!all_written) loop_.WantWrites(true);
    calls = unwritten_.fetch_sub(calls) - calls;
  }
}

std::unique_ptr<NatsSubscription> LibnatsSession::Subscribe(const std::string& subject,
                                                            std::shared_ptr<GuardedHandler> handler,
                                                            int64_t number) {
  natsSubscription* made = nullptr;
  auto delivery = std::make_unique<Delivery>(Delivery{std::move(handler), number});
  if (natsConnection_Subscribe(&made, owned_.get(), subject.c_str(), &OnMessage, delivery.get()) !=
      NATS_OK) {
    return nullptr;
  }
  if (natsSubscription_SetOnCompleteCB(made, &OnDelivered, delivery.get()) != NATS_OK) {
    KeepForGood(delivery.get());
  }
  (void)delivery.release();  // OnDelivered destroys it
  natsSubscription_SetPendingLimits(made, -1, -1);
  return std::make_unique<SessionSubscription>(made, io_mutex_);
}

void LibnatsSession::Close() {
  if (closed_here_ || owned_ == nullptr) return;
  closed_here_ = true;
  natsConnection_FlushTimeout(owned_.get(), absl::ToInt64Milliseconds(kLastFlush));
  {
    absl::MutexLock lock(io_mutex_.get());
    natsConnection_Close(owned_.get());
  }
  // Nothing of this is called any more then.
  absl::MutexLock lock(&mutex_);
  while (!closed_ || attached_) changed_.Wait(&mutex_);
}

}  // namespace

absl::Status NatsSession::Check(const NatsOptions& options) {
  return MakeOptions(options).status();
}

absl::StatusOr<std::unique_ptr<NatsSession>> NatsSession::Connect(const NatsOptions& options,
                                                                  Callbacks callbacks) {
  absl::StatusOr<LibraryOptions> usable = MakeOptions(options);
  if (!usable.ok()) return usable.status();
  auto session = std::make_unique<LibnatsSession>(IsSecure(options), std::move(callbacks));
  const absl::Status status = session->Connect(usable->get());
  if (!status.ok()) return status;
  return session;
}

std::string NatsSession::NewInboxPrefix() {
  natsInbox* inbox = nullptr;
  if (natsInbox_Create(&inbox) != NATS_OK) return "_INBOX.";
  std::string prefix = absl::StrCat(inbox, ".");
  natsInbox_Destroy(inbox);
  return prefix;
}

}  // namespace onhook
