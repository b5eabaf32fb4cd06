#include "gateway/store/jetstream/pull_consumer.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/log_throttle.h"
#include "gateway/store/jetstream/retired_subscriptions.h"
#include "gateway/store/jetstream/serial_calls.h"

namespace onhook {
namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(2);
constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(2);
constexpr absl::Duration kLogInterval = absl::Seconds(10);
// A request whose own end got lost.
constexpr absl::Duration kPastExpiry = absl::Seconds(1);
// At a time: what is wanted grows in small steps, and each may be a request.
constexpr size_t kMostRequests = 4;

constexpr int kControl = 100;
constexpr int kNotFound = 404;
constexpr int kTimeout = 408;
constexpr int kConflict = 409;
constexpr int kNoResponders = 503;

}  // namespace

class PullConsumer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(JetStreamApi* api, Options options, Callbacks callbacks, const Clock* clock, const Log* log)
      : api_(api),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        clock_(clock),
        log_(log),
        heartbeat_(std::min(kHeartbeat, options_.expires / 2)),
        throttle_(clock, kLogInterval) {}

  void Want(int64_t messages);
  int64_t wanted() const {
    absl::MutexLock lock(&mutex_);
    return wanted_;
  }
  void Send(const std::string& ack_subject, absl::string_view word) {
    api_->connection()->Publish(ack_subject, word).IgnoreError();
  }
  void Tick();
  void End();

 private:
  // One that a server has. The oldest is served first, so a message is of the oldest.
  struct Request {
    int64_t number;
    int64_t remaining;
    absl::Duration expires_at;
    absl::Duration heard_at;
  };
  // What is to be sent for one.
  struct Question {
    std::string reply;
    std::string body;
  };

  void OnNatsMessage(int64_t turn, NatsMessage message);
  void OnStatus(int64_t turn, const NatsMessage& message);
  void OnPulled(int64_t turn, NatsMessage message);
  void LookWhetherGone();
  void OnLooked(bool gone);
  // Asks for what is wanted and not asked for yet.
  void Ask();
  std::optional<Question> NextQuestion();
  bool Subscribe();
  // Gives up what was asked for, and asks anew, after `delay` at the earliest.
  void CallBack(absl::Duration delay);
  absl::Duration NextDelay() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t on_its_way() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JetStreamApi* const api_;
  const Options options_;
  const Callbacks callbacks_;
  const Clock* const clock_;
  const Log* const log_;
  const absl::Duration heartbeat_;
  LogThrottle throttle_;
  SerialCalls calls_;
  RetiredSubscriptions retired_;

  mutable absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;    // or gone
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;  // whether it is gone
  int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;  // of the inbox
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t connection_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration ask_at_ ABSL_GUARDED_BY(mutex_);
  absl::Duration delay_ ABSL_GUARDED_BY(mutex_) = kFirstDelay;
  std::string inbox_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NatsSubscription> subscription_ ABSL_GUARDED_BY(mutex_);
  std::deque<Request> requests_ ABSL_GUARDED_BY(mutex_);
};

int64_t PullConsumer::Impl::on_its_way() const {
  int64_t messages = 0;
  for (const Request& request : requests_) messages += request.remaining;
  return messages;
}

absl::Duration PullConsumer::Impl::NextDelay() {
  const absl::Duration delay = delay_;
  delay_ = std::min(2 * delay_, kLongestDelay);
  return delay;
}

void PullConsumer::Impl::Want(int64_t messages) {
  bool too_many = false;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    wanted_ = std::max<int64_t>(messages, 0);
    too_many = on_its_way() > 2 * wanted_;
  }
  if (too_many) CallBack(absl::ZeroDuration());
  Ask();
}

void PullConsumer::Impl::CallBack(absl::Duration delay) {
  std::unique_ptr<NatsSubscription> last;
  const absl::Duration now = clock_->Elapsed();
  {
    absl::MutexLock lock(&mutex_);
    ++turn_;
    requests_.clear();
    last.swap(subscription_);
    ask_at_ = now + delay;
  }
  retired_.Add(std::move(last), now);
}

// An inbox for the requests to come, if there is none. False: not now.
bool PullConsumer::Impl::Subscribe() {
  NatsConnection* const connection = api_->connection();
  int64_t turn = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (subscription_ != nullptr) return true;
    turn = turn_;
  }
  const std::string inbox = connection->NewInbox();
  auto made = connection->Subscribe(
      absl::StrCat(inbox, ".*"), [self = shared_from_this(), turn](NatsMessage message) {
        self->calls_.Run([self, turn, message = std::move(message)]() mutable {
          self->OnNatsMessage(turn, std::move(message));
        });
      });
  if (!made.ok()) return false;
  absl::MutexLock lock(&mutex_);
  if (ended_ || turn != turn_ || subscription_ != nullptr) return false;
  subscription_ = *std::move(made);
  inbox_ = inbox;
  connection_number_ = connection->connection_number();
  return true;
}

std::optional<PullConsumer::Impl::Question> PullConsumer::Impl::NextQuestion() {
  const absl::Duration now = clock_->Elapsed();
  absl::MutexLock lock(&mutex_);
  const int64_t more = std::min(wanted_ - on_its_way(), options_.most_at_once);
  if (ended_ || subscription_ == nullptr || more <= 0 || now < ask_at_ ||
      requests_.size() >= kMostRequests) {
    return std::nullopt;
  }
  // In a row of messages each makes room for one: asked for in larger pieces, but when little is
  // on its way.
  if (!requests_.empty() && 2 * more < std::min(wanted_, options_.most_at_once)) {
    return std::nullopt;
  }
  const int64_t number = ++last_number_;
  requests_.push_back({number, more, now + options_.expires, now});
  return Question{
      absl::StrCat(inbox_, ".", number),
      absl::StrCat("{\"batch\":", more, ",\"expires\":", absl::ToInt64Nanoseconds(options_.expires),
                   ",\"idle_heartbeat\":", absl::ToInt64Nanoseconds(heartbeat_), "}")};
}

void PullConsumer::Impl::Ask() {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_ || wanted_ == 0) return;
  }
  if (!api_->connection()->connected() || !Subscribe()) return;  // with a Tick again
  const std::string subject =
      absl::StrCat("$JS.API.CONSUMER.MSG.NEXT.", options_.stream, ".", options_.consumer);
  while (const std::optional<Question> question = NextQuestion()) {
    if (api_->connection()->Publish(subject, question->body, question->reply).ok()) continue;
    return CallBack(kFirstDelay);
  }
}

void PullConsumer::Impl::OnNatsMessage(int64_t turn, NatsMessage message) {
  if (message.status == 0) {
    OnPulled(turn, std::move(message));
  } else {
    OnStatus(turn, message);
  }
}

// Also what was called back, and was on its way all the same.
void PullConsumer::Impl::OnPulled(int64_t turn, NatsMessage message) {
  std::optional<DeliveryFacts> facts = ParseAckSubject(message.reply);
  if (!facts.has_value()) return;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    wanted_ = std::max<int64_t>(wanted_ - 1, 0);
    delay_ = kFirstDelay;
    if (turn == turn_ && !requests_.empty()) {
      // Those behind the oldest are heard of only when it is served.
      const absl::Duration now = clock_->Elapsed();
      for (Request& request : requests_) request.heard_at = now;
      if (--requests_.front().remaining == 0) requests_.pop_front();
    }
  }
  PulledMessage pulled;
  pulled.subject = std::move(message.subject);
  pulled.ack_subject = std::move(message.reply);
  pulled.facts = *std::move(facts);
  pulled.headers = std::move(message.headers);
  pulled.data = std::move(message.data);
  callbacks_.message(std::move(pulled));
  Ask();
}

void PullConsumer::Impl::OnStatus(int64_t turn, const NatsMessage& message) {
  bool failed = false;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_ || turn != turn_) return;
    int64_t number = 0;
    const absl::string_view token =
        absl::string_view(message.subject).substr(message.subject.rfind('.') + 1);
    if (!absl::SimpleAtoi(token, &number)) return;
    const auto request =
        std::find_if(requests_.begin(), requests_.end(),
                     [number](const Request& asked) { return asked.number == number; });
    if (request == requests_.end()) return;
    if (message.status == kControl) {
      request->heard_at = clock_->Elapsed();
      return;
    }
    requests_.erase(request);
    failed = message.status != kTimeout;
    if (failed) ask_at_ = clock_->Elapsed() + NextDelay();
  }
  if (!failed) return Ask();
  if (const int64_t count = throttle_.Occurred()) {
    log_->Info("store", "a request for events ended early",
               {{"consumer", options_.consumer},
                {"status", message.status},
                {"why", message.status_description},
                {"count", count}});
  }
  if (message.status == kNoResponders || message.status == kNotFound ||
      message.status == kConflict) {
    LookWhetherGone();
  }
}

void PullConsumer::Impl::LookWhetherGone() {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_ || looking_) return;
    looking_ = true;
  }
  api_->GetConsumer(
      options_.stream, options_.consumer,
      [self = shared_from_this()](const absl::StatusOr<ConsumerInfo>& info) {
        self->calls_.Run([self, gone = absl::IsNotFound(info.status())] { self->OnLooked(gone); });
      });
}

void PullConsumer::Impl::OnLooked(bool gone) {
  {
    absl::MutexLock lock(&mutex_);
    looking_ = false;
    if (!gone || ended_) return;
    ended_ = true;
  }
  callbacks_.gone();
}

void PullConsumer::Impl::Tick() {
  const absl::Duration now = clock_->Elapsed();
  const int64_t connection_number = api_->connection()->connection_number();
  retired_.RemoveOld(now);
  bool lost = false;
  bool silent = false;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    lost = subscription_ != nullptr && connection_number != connection_number_;
    for (const Request& request : requests_) {
      silent = silent || now - request.heard_at > 2 * heartbeat_ ||
               now > request.expires_at + kPastExpiry;
    }
  }
  if (lost || silent) CallBack(absl::ZeroDuration());
  if (silent && !lost) LookWhetherGone();
  Ask();
}

void PullConsumer::Impl::End() {
  calls_.End();
  std::unique_ptr<NatsSubscription> last;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    ++turn_;
    requests_.clear();
    last.swap(subscription_);
  }
  retired_.RemoveAll();
}

PullConsumer::PullConsumer(JetStreamApi* api, Options options, Callbacks callbacks,
                           const Clock* clock, const Log* log)
    : impl_(std::make_shared<Impl>(api, std::move(options), std::move(callbacks), clock, log)) {}

PullConsumer::~PullConsumer() { impl_->End(); }

void PullConsumer::Want(int64_t messages) { impl_->Want(messages); }

int64_t PullConsumer::wanted() const { return impl_->wanted(); }

void PullConsumer::Acknowledge(const std::string& ack_subject) { impl_->Send(ack_subject, "+ACK"); }

void PullConsumer::GiveBack(const std::string& ack_subject, absl::Duration delay) {
  if (delay <= absl::ZeroDuration()) return impl_->Send(ack_subject, "-NAK");
  impl_->Send(ack_subject, absl::StrCat("-NAK {\"delay\": ", absl::ToInt64Nanoseconds(delay), "}"));
}

void PullConsumer::Keep(const std::string& ack_subject) { impl_->Send(ack_subject, "+WPI"); }

void PullConsumer::Terminate(const std::string& ack_subject) { impl_->Send(ack_subject, "+TERM"); }

void PullConsumer::Tick() { impl_->Tick(); }

}  // namespace onhook
