#include "gateway/store/jetstream/nats_connection.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/base/clock.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/guarded_handler.h"
#include "gateway/store/jetstream/nats_session.h"
#include "gateway/store/jetstream/open_requests.h"

namespace onhook {
namespace {

constexpr absl::Duration kReconnectWait = absl::Milliseconds(100);
constexpr absl::Duration kReconnectJitter = absl::Milliseconds(100);
// Enough for an attempt or two, and short beside what a vendor waits for an answer.
constexpr absl::Duration kBackSoon = absl::Milliseconds(300);
// How often is looked for requests that are late.
constexpr absl::Duration kLateInterval = absl::Milliseconds(10);
constexpr absl::Duration kLogInterval = absl::Seconds(10);
constexpr size_t kPruneAtLeastAt = 64;
constexpr int kNoResponders = 503;

using Session = std::shared_ptr<NatsSession>;

// One session after the other.
class ReconnectingConnection final : public NatsConnection {
 public:
  ReconnectingConnection(const NatsOptions& options, const Log* log)
      : options_(options), log_(log), throttle_(&clock_, kLogInterval) {}
  ~ReconnectingConnection() override;

  void Start();
  void AwaitFirst(absl::Duration wait);

  bool connected() const override { return connection_number() != 0; }
  bool may_be_back_soon() const override;
  std::string trouble() const override;
  int64_t connection_number() const override;
  absl::Duration silence() const override {
    const Session session = current();
    return session == nullptr ? absl::InfiniteDuration() : session->silence();
  }
  int64_t max_payload() const override { return max_payload_.load(); }
  void Request(const std::string& subject, const NatsHeaders& headers, absl::string_view data,
               absl::Duration timeout, Reply reply) override;
  absl::Status Publish(const std::string& subject, absl::string_view data,
                       const std::string& reply) override;
  absl::StatusOr<std::unique_ptr<NatsSubscription>> Subscribe(const std::string& subject,
                                                              Handler handler) override;
  std::string NewInbox() override;
  void AddListener(Listener listener) override;
  void Close() override;

 private:
  // A subscription, as long as somebody has it, on the session there is.
  struct Subscribed {
    Subscribed(std::string subscribed_subject, Handler handler)
        : subject(std::move(subscribed_subject)),
          guarded(std::make_shared<GuardedHandler>(std::move(handler))) {}
    void Follow(const Session& session, int64_t number);
    void Drain();
    void End();

    const std::string subject;
    const std::shared_ptr<GuardedHandler> guarded;
    // Whoever comes second returns when the first one has subscribed.
    absl::Mutex following ABSL_ACQUIRED_BEFORE(mutex);
    absl::Mutex mutex;
    bool ended ABSL_GUARDED_BY(mutex) = false;  // or drained
    std::shared_ptr<NatsSubscription> current ABSL_GUARDED_BY(mutex);
  };
  class Subscription final : public NatsSubscription {
   public:
    explicit Subscription(std::shared_ptr<Subscribed> subscribed)
        : subscribed_(std::move(subscribed)) {}
    ~Subscription() override { subscribed_->End(); }
    void Drain() override { subscribed_->Drain(); }

   private:
    const std::shared_ptr<Subscribed> subscribed_;
  };
  struct Told {
    Listener listener;
    bool connected = false;
  };

  void Run();
  Session Connect();
  void FollowAll(const Session& session, int64_t number);
  void Serve(const Session& session);
  // Until it breaks, or is to be closed: true.
  bool AwaitEnd();
  void TellListeners(bool connected);
  void LookForLate();
  void Answered(NatsMessage message);
  void FailLater(Reply reply, absl::Status status);
  Session current() const;
  absl::Status Send(const std::string& subject, const std::string& reply,
                    const NatsHeaders& headers, absl::string_view data);

  const NatsOptions options_;
  const Log* const log_;
  const SystemClock clock_;
  LogThrottle throttle_;
  std::string inbox_;  // begins all of ours
  std::atomic<int64_t> max_payload_{0};
  std::atomic<uint64_t> inboxes_{0};
  OpenRequests open_;
  std::unique_ptr<NatsSubscription> answers_;

  mutable absl::Mutex mutex_;
  SteadyCondition changed_;
  Session current_ ABSL_GUARDED_BY(mutex_);  // null: not connected
  int64_t current_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration broke_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // the last one
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool untold_ ABSL_GUARDED_BY(mutex_) = false;  // a listener is new
  std::vector<std::weak_ptr<Subscribed>> subscribed_ ABSL_GUARDED_BY(mutex_);
  size_t prune_at_ ABSL_GUARDED_BY(mutex_) = kPruneAtLeastAt;
  std::vector<std::shared_ptr<Told>> listeners_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex late_mutex_;
  SteadyCondition late_;
  std::vector<std::pair<Reply, absl::Status>> failed_ ABSL_GUARDED_BY(late_mutex_);
  bool stop_late_ ABSL_GUARDED_BY(late_mutex_) = false;

  absl::Mutex close_mutex_;  // of whoever closes
  int64_t sessions_ = 0;     // made so far; of runner_
  std::thread runner_;
  std::thread late_thread_;
};

void ReconnectingConnection::Subscribed::Follow(const Session& session, int64_t number) {
  absl::MutexLock first(&following);
  {
    absl::MutexLock lock(&mutex);
    if (ended) return;
  }
  if (!guarded->Follow(number)) return;
  std::shared_ptr<NatsSubscription> made = session->Subscribe(subject, guarded, number);
  absl::MutexLock lock(&mutex);
  if (!ended) made.swap(current);
}

void ReconnectingConnection::Subscribed::Drain() {
  std::shared_ptr<NatsSubscription> last;
  {
    absl::MutexLock lock(&mutex);
    ended = true;
    last = current;
  }
  if (last != nullptr) last->Drain();
}

void ReconnectingConnection::Subscribed::End() {
  std::shared_ptr<NatsSubscription> last;
  {
    absl::MutexLock lock(&mutex);
    ended = true;
    last.swap(current);
  }
  last = nullptr;
  guarded->End();
}

ReconnectingConnection::~ReconnectingConnection() {
  Close();
  answers_ = nullptr;
  {
    absl::MutexLock lock(&late_mutex_);
    stop_late_ = true;
    late_.Signal();
  }
  if (late_thread_.joinable()) late_thread_.join();
}

void ReconnectingConnection::Start() {
  inbox_ = NatsSession::NewInboxPrefix();
  answers_ = *Subscribe(absl::StrCat(inbox_, "r.*"),
                        [this](NatsMessage message) { Answered(std::move(message)); });
  late_thread_ = std::thread([this] { LookForLate(); });
  runner_ = std::thread([this] { Run(); });
}

void ReconnectingConnection::AwaitFirst(absl::Duration wait) {
  absl::MutexLock lock(&mutex_);
  changed_.AwaitFor(&mutex_, wait,
                    [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return current_ != nullptr; });
}

void ReconnectingConnection::Run() {
  std::mt19937_64 random{std::random_device{}()};
  std::uniform_int_distribution<int64_t> jitter(0, absl::ToInt64Microseconds(kReconnectJitter));
  while (true) {
    if (const Session session = Connect()) Serve(session);
    absl::MutexLock lock(&mutex_);
    const auto closing = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return closing_; };
    if (changed_.AwaitFor(&mutex_, kReconnectWait + absl::Microseconds(jitter(random)), closing)) {
      return;
    }
  }
}

Session ReconnectingConnection::Connect() {
  {
    absl::MutexLock lock(&mutex_);
    broken_ = false;
  }
  NatsSession::Callbacks callbacks;
  callbacks.broke = [this] {
    absl::MutexLock lock(&mutex_);
    broken_ = true;
    changed_.SignalAll();
  };
  callbacks.error = [this](absl::string_view error) {
    if (const int64_t count = throttle_.Occurred()) {
      log_->Warning("store", "NATS tells of an error", {{"error", error}, {"count", count}});
    }
  };
  absl::StatusOr<std::unique_ptr<NatsSession>> session =
      NatsSession::Connect(options_, std::move(callbacks));
  if (session.ok()) return *std::move(session);
  {
    absl::MutexLock lock(&mutex_);
    trouble_ = std::string(session.status().message());
  }
  if (const int64_t count = throttle_.Occurred()) {
    log_->Warning("store", "no NATS server can be reached",
                  {{"error", session.status().message()}, {"count", count}});
  }
  return nullptr;
}

void ReconnectingConnection::FollowAll(const Session& session, int64_t number) {
  std::vector<std::shared_ptr<Subscribed>> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& weak : subscribed_) {
      if (auto subscribed = weak.lock()) all.push_back(std::move(subscribed));
    }
  }
  for (const auto& subscribed : all) subscribed->Follow(session, number);
}

void ReconnectingConnection::Serve(const Session& session) {
  const int64_t number = ++sessions_;
  // Before anybody can ask for anything, and again for what was subscribed to meanwhile.
  FollowAll(session, number);
  max_payload_ = session->max_payload();
  {
    absl::MutexLock lock(&mutex_);
    current_ = session;
    trouble_.clear();
    current_number_ = number;
    changed_.SignalAll();
  }
  FollowAll(session, number);
  const std::string server = session->server();
  log_->Info("store", "connected to NATS", {{"server", server}});
  const bool closing = AwaitEnd();
  const std::string error = session->error();
  {
    absl::MutexLock lock(&mutex_);
    current_ = nullptr;
    trouble_ = error;
    broke_at_ = clock_.Elapsed();
  }
  if (!closing) {
    log_->Warning("store", "the connection to NATS broke", {{"server", server}, {"error", error}});
  }
  session->Close();
  for (const Reply& reply : open_.TakeAll()) {
    reply(absl::UnavailableError("the connection to NATS broke"));
  }
  TellListeners(false);
}

bool ReconnectingConnection::AwaitEnd() {
  while (true) {
    TellListeners(true);
    absl::MutexLock lock(&mutex_);
    while (!closing_ && !broken_ && !untold_) changed_.Wait(&mutex_);
    if (closing_ || broken_) return closing_;
  }
}

void ReconnectingConnection::TellListeners(bool connected) {
  std::vector<std::shared_ptr<Told>> listeners;
  {
    absl::MutexLock lock(&mutex_);
    listeners = listeners_;
    untold_ = false;
  }
  for (const auto& told : listeners) {
    if (told->connected == connected) continue;
    told->connected = connected;
    told->listener(connected);
  }
}

void ReconnectingConnection::AddListener(Listener listener) {
  absl::MutexLock lock(&mutex_);
  listeners_.push_back(std::make_shared<Told>(Told{std::move(listener)}));
  untold_ = true;
  changed_.SignalAll();
}

// Also tells those whose message could not be sent: not from within their own call.
void ReconnectingConnection::LookForLate() {
  while (true) {
    std::vector<std::pair<Reply, absl::Status>> failed;
    bool stop = false;
    {
      absl::MutexLock lock(&late_mutex_);
      if (failed_.empty() && !stop_late_) late_.WaitFor(&late_mutex_, kLateInterval);
      failed.swap(failed_);
      stop = stop_late_;
    }
    for (auto& [reply, status] : failed) reply(std::move(status));
    for (Reply& reply : open_.TakeLate(clock_.Elapsed())) {
      reply(absl::DeadlineExceededError("NATS did not answer in time"));
    }
    if (stop && failed.empty()) return;
  }
}

void ReconnectingConnection::FailLater(Reply reply, absl::Status status) {
  absl::MutexLock lock(&late_mutex_);
  failed_.emplace_back(std::move(reply), std::move(status));
  late_.Signal();
}

void ReconnectingConnection::Answered(NatsMessage message) {
  uint64_t number = 0;
  absl::string_view token = message.subject;
  if (!absl::ConsumePrefix(&token, inbox_) || !absl::ConsumePrefix(&token, "r.") ||
      !absl::SimpleAtoi(token, &number)) {
    return;
  }
  const Reply reply = open_.Take(number);
  if (reply == nullptr) return;  // it came too late
  if (message.status == kNoResponders) {
    reply(absl::UnavailableError("no NATS server answers this: no responders"));
  } else {
    reply(std::move(message));
  }
}

Session ReconnectingConnection::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

bool ReconnectingConnection::may_be_back_soon() const {
  absl::MutexLock lock(&mutex_);
  return current_ != nullptr || clock_.Elapsed() - broke_at_ < kBackSoon;
}

std::string ReconnectingConnection::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

int64_t ReconnectingConnection::connection_number() const {
  absl::MutexLock lock(&mutex_);
  return current_ == nullptr ? 0 : current_number_;
}

absl::Status ReconnectingConnection::Send(const std::string& subject, const std::string& reply,
                                          const NatsHeaders& headers, absl::string_view data) {
  const Session session = current();
  if (session == nullptr) return absl::UnavailableError("not connected to NATS");
  return session->Send(subject, reply, headers, data);
}

void ReconnectingConnection::Request(const std::string& subject, const NatsHeaders& headers,
                                     absl::string_view data, absl::Duration timeout, Reply reply) {
  const uint64_t number = open_.Add(clock_.Elapsed() + timeout, std::move(reply));
  absl::Status sent = Send(subject, absl::StrCat(inbox_, "r.", number), headers, data);
  if (sent.ok()) return;
  if (Reply failed = open_.Take(number)) FailLater(std::move(failed), std::move(sent));
}

absl::Status ReconnectingConnection::Publish(const std::string& subject, absl::string_view data,
                                             const std::string& reply) {
  return Send(subject, reply, {}, data);
}

absl::StatusOr<std::unique_ptr<NatsSubscription>> ReconnectingConnection::Subscribe(
    const std::string& subject, Handler handler) {
  auto subscribed = std::make_shared<Subscribed>(subject, std::move(handler));
  Session session;
  int64_t number = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (closing_) return absl::UnavailableError("the connection to NATS is closing");
    if (subscribed_.size() >= prune_at_) {
      subscribed_.erase(std::remove_if(subscribed_.begin(), subscribed_.end(),
                                       [](const auto& weak) { return weak.expired(); }),
                        subscribed_.end());
      prune_at_ = std::max(kPruneAtLeastAt, 2 * subscribed_.size());
    }
    subscribed_.push_back(subscribed);
    session = current_;
    number = current_number_;
  }
  if (session != nullptr) subscribed->Follow(session, number);
  return std::make_unique<Subscription>(std::move(subscribed));
}

std::string ReconnectingConnection::NewInbox() {
  return absl::StrCat(inbox_, "i.", inboxes_.fetch_add(1) + 1);
}

void ReconnectingConnection::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  absl::MutexLock closing(&close_mutex_);
  if (runner_.joinable()) runner_.join();
  answers_ = nullptr;  // waits for an answer that is being handed on
  // And for what came too late: what follows on the same thread comes after it.
  absl::Notification handed_on;
  FailLater([&](const auto&) { handed_on.Notify(); }, absl::CancelledError());
  handed_on.WaitForNotification();
}

}  // namespace

absl::string_view NatsMessage::Header(absl::string_view name) const {
  for (const auto& header : headers) {
    if (header.first == name) return header.second;
  }
  return "";
}

absl::StatusOr<std::unique_ptr<NatsConnection>> NatsConnection::Open(const NatsOptions& options,
                                                                     absl::Duration wait,
                                                                     const Log* log) {
  const absl::Status usable = NatsSession::Check(options);
  if (!usable.ok()) return usable;
  auto connection = std::make_unique<ReconnectingConnection>(options, log);
  connection->Start();
  connection->AwaitFirst(wait);
  return connection;
}

}  // namespace onhook
