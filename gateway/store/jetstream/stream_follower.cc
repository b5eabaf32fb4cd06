#include "gateway/store/jetstream/stream_follower.h"

#include <algorithm>
#include <cstddef>
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

constexpr absl::Duration kHeartbeat = absl::Seconds(1);
constexpr absl::Duration kSilence = absl::Seconds(2);
constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(2);
// The server removes a consumer that nobody listens to.
constexpr absl::Duration kUnused = absl::Seconds(30);
constexpr absl::Duration kLogInterval = absl::Seconds(10);
constexpr int kControl = 100;

}  // namespace

class StreamFollower::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(JetStreamApi* api, Options options, Callbacks callbacks, const Clock* clock, const Log* log)
      : api_(api),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        clock_(clock),
        log_(log),
        throttle_(clock, kLogInterval),
        last_(options_.after) {}

  void Begin();
  void Tick();
  void End();

 private:
  // Each of these is of one beginning: `turn` is its number, and another's are over.
  void OnStream(int64_t turn, const absl::StatusOr<StreamInfo>& info);
  // Looks whether the stream is still the one whose messages were handed on.
  void Compare(int64_t turn, std::vector<SequenceMarks::Mark> marks, size_t next);
  void GoBack(int64_t last);
  void CreateConsumer(int64_t turn);
  void OnConsumer(int64_t turn, const absl::StatusOr<ConsumerInfo>& info);
  void OnNatsMessage(int64_t turn, NatsMessage message);
  void OnControl(int64_t turn, const NatsMessage& message);
  void OnFacts(int64_t turn, const DeliveryFacts& facts, NatsMessage message);
  void AskForEnd(int64_t turn);
  void OnEnd(int64_t turn, const absl::StatusOr<StreamMessage>& newest);
  void MaybeCaughtUp();
  void Fail(int64_t turn, absl::string_view why);
  bool Over(int64_t turn) const {
    absl::MutexLock lock(&mutex_);
    return turn != turn_;
  }

  JetStreamApi* const api_;
  const Options options_;
  const Callbacks callbacks_;
  const Clock* const clock_;
  const Log* const log_;
  LogThrottle throttle_;
  SerialCalls calls_;
  RetiredSubscriptions retired_;

  // Of calls_.
  int64_t last_;                   // handed on
  int64_t consumer_sequence_ = 0;  // of the consumer there is
  std::optional<int64_t> end_;     // all up to there is to be handed on until it has caught up
  SequenceMarks marks_;            // of what was handed on, and of what it began behind
  int64_t stream_end_ = 0;         // when it was looked at
  bool differs_ = false;           // it has lost its end, as far as was looked
  bool has_others_ = false;        // and has got another since
  bool asking_for_end_ = false;
  bool caught_up_ = false;

  mutable absl::Mutex mutex_;
  int64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // begun, and not failed since
  int64_t connection_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration heard_at_ ABSL_GUARDED_BY(mutex_);
  absl::Duration begin_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();  // if not running
  absl::Duration delay_ ABSL_GUARDED_BY(mutex_) = kFirstDelay;
  std::unique_ptr<NatsSubscription> subscription_ ABSL_GUARDED_BY(mutex_);
  std::string inbox_ ABSL_GUARDED_BY(mutex_);
  std::string consumer_ ABSL_GUARDED_BY(mutex_);  // empty: none is known
};

// Subscribed to before the consumer is made, so nothing that it sends is missed.
void StreamFollower::Impl::Begin() {
  NatsConnection* const connection = api_->connection();
  const std::string inbox = connection->NewInbox();
  int64_t turn = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    turn = ++turn_;
    running_ = true;
    heard_at_ = clock_->Elapsed();
    connection_number_ = connection->connection_number();
    inbox_ = inbox;
    consumer_.clear();
  }
  auto subscribed =
      connection->Subscribe(inbox, [self = shared_from_this(), turn](NatsMessage message) {
        self->calls_.Run([self, turn, message = std::move(message)]() mutable {
          self->OnNatsMessage(turn, std::move(message));
        });
      });
  if (!subscribed.ok()) return Fail(turn, subscribed.status().message());
  {
    absl::MutexLock lock(&mutex_);
    if (turn == turn_) std::swap(subscription_, *subscribed);
  }
  api_->GetStream(
      options_.stream, [self = shared_from_this(), turn](absl::StatusOr<StreamInfo> info) {
        self->calls_.Run([self, turn, info = std::move(info)] { self->OnStream(turn, info); });
      });
}

void StreamFollower::Impl::OnStream(int64_t turn, const absl::StatusOr<StreamInfo>& info) {
  if (Over(turn)) return;
  if (!info.ok()) return Fail(turn, info.status().message());
  // One that has lost its end may have as many messages as before when it is looked at.
  stream_end_ = info->last_sequence;
  differs_ = stream_end_ < last_;
  has_others_ = false;
  Compare(turn, marks_.NewestFirst(), 0);
}

// A message is told from another of its sequence by when it was stored. One that is not there says
// nothing: it may have been removed.
void StreamFollower::Impl::Compare(int64_t turn, std::vector<SequenceMarks::Mark> marks,
                                   size_t next) {
  if (!differs_ && next > 0) return CreateConsumer(turn);
  if (next == marks.size()) {
    // With none of the messages that were handed on, and no others in their places, it has lost its
    // end, and got no other since.
    if (differs_) GoBack(has_others_ ? 0 : std::min(last_, stream_end_));
    return CreateConsumer(turn);
  }
  const int64_t sequence = marks[next].sequence;
  api_->GetMessage(
      options_.stream, sequence,
      [self = shared_from_this(), turn, marks = std::move(marks),
       next](const absl::StatusOr<StreamMessage>& message) {
        self->calls_.Run([self, turn, marks, next, there = message.status(),
                          stored_at = message.ok() ? message->stored_at : absl::Time()] {
          if (self->Over(turn)) return;
          if (there.ok() && stored_at == marks[next].stored_at) {
            if (self->differs_) self->GoBack(marks[next].sequence);
            return self->CreateConsumer(turn);
          }
          if (!there.ok() && !absl::IsNotFound(there)) return self->Fail(turn, there.message());
          self->differs_ = self->differs_ || there.ok();
          self->has_others_ = self->has_others_ || there.ok();
          self->Compare(turn, marks, next + 1);
        });
      });
}

void StreamFollower::Impl::GoBack(int64_t last) {
  log_->Warning("store", "a stream seems to have lost its end, or is another",
                {{"stream", options_.stream}, {"followed_through", last_}, {"same_through", last}});
  const std::vector<SequenceMarks::Mark> marks = marks_.NewestFirst();
  const SequenceMarks::Mark lost = marks.empty() ? SequenceMarks::Mark() : marks.front();
  last_ = last;
  marks_.ForgetBehind(last);
  if (callbacks_.went_back) callbacks_.went_back(last, lost);
}

void StreamFollower::Impl::CreateConsumer(int64_t turn) {
  consumer_sequence_ = 0;
  end_.reset();
  asking_for_end_ = false;
  caught_up_ = false;
  ConsumerConfig config;
  if (!options_.filter_subject.empty()) config.filter_subjects = {options_.filter_subject};
  config.start_sequence = last_ + 1;
  config.explicit_ack = false;
  config.replicas = 1;
  config.memory_storage = true;
  config.inactive_threshold = kUnused;
  config.flow_control = true;
  config.idle_heartbeat = kHeartbeat;
  {
    absl::MutexLock lock(&mutex_);
    config.deliver_subject = inbox_;
  }
  api_->CreateConsumer(options_.stream, config,
                       [self = shared_from_this(), turn](absl::StatusOr<ConsumerInfo> created) {
                         self->calls_.Run([self, turn, created = std::move(created)] {
                           self->OnConsumer(turn, created);
                         });
                       });
}

void StreamFollower::Impl::OnConsumer(int64_t turn, const absl::StatusOr<ConsumerInfo>& info) {
  if (Over(turn)) return;
  if (!info.ok()) return Fail(turn, info.status().message());
  {
    absl::MutexLock lock(&mutex_);
    consumer_ = info->name;
    heard_at_ = clock_->Elapsed();
    delay_ = kFirstDelay;
  }
  AskForEnd(turn);
}

// What a consumer says of how much is pending is of its own server, which may be behind: so the
// stream's leader is asked.
void StreamFollower::Impl::AskForEnd(int64_t turn) {
  if (asking_for_end_ || caught_up_) return;
  asking_for_end_ = true;
  api_->GetLast(
      options_.stream, options_.filter_subject.empty() ? ">" : options_.filter_subject,
      [self = shared_from_this(), turn](absl::StatusOr<StreamMessage> newest) {
        self->calls_.Run([self, turn, newest = std::move(newest)] { self->OnEnd(turn, newest); });
      });
}

void StreamFollower::Impl::OnEnd(int64_t turn, const absl::StatusOr<StreamMessage>& newest) {
  if (Over(turn)) return;
  asking_for_end_ = false;
  if (newest.ok()) {
    end_ = newest->sequence;
    if (*end_ == last_ && marks_.NewestFirst().empty()) marks_.Add({*end_, newest->stored_at});
  } else if (absl::IsNotFound(newest.status())) {
    end_ = 0;
  }  // else with the next heartbeat again
  MaybeCaughtUp();
}

void StreamFollower::Impl::MaybeCaughtUp() {
  if (caught_up_ || !end_.has_value() || last_ < *end_) return;
  caught_up_ = true;
  if (callbacks_.caught_up) callbacks_.caught_up();
}

void StreamFollower::Impl::OnNatsMessage(int64_t turn, NatsMessage message) {
  {
    absl::MutexLock lock(&mutex_);
    if (turn != turn_) return;
    heard_at_ = clock_->Elapsed();
  }
  if (message.status != 0) return OnControl(turn, message);
  const std::optional<DeliveryFacts> facts = ParseAckSubject(message.reply);
  if (facts.has_value()) OnFacts(turn, *facts, std::move(message));
}

void StreamFollower::Impl::OnControl(int64_t turn, const NatsMessage& message) {
  if (message.status != kControl) {
    return Fail(turn, absl::StrCat("status ", message.status, " ", message.status_description));
  }
  // The server waits until we have seen all that was before this.
  if (!message.reply.empty()) {
    api_->connection()->Publish(message.reply, "").IgnoreError();
    return;
  }
  const absl::string_view stalled = message.Header("Nats-Consumer-Stalled");
  if (!stalled.empty()) {
    api_->connection()->Publish(std::string(stalled), "").IgnoreError();
    return;
  }
  int64_t sent = 0;
  if (absl::SimpleAtoi(message.Header("Nats-Last-Consumer"), &sent) && sent > consumer_sequence_) {
    return Fail(turn, "messages are missing");
  }
  // It has nothing more to send: what we wait for may have been removed.
  AskForEnd(turn);
}

void StreamFollower::Impl::OnFacts(int64_t turn, const DeliveryFacts& facts, NatsMessage message) {
  if (facts.consumer_sequence != consumer_sequence_ + 1) return Fail(turn, "messages are missing");
  consumer_sequence_ = facts.consumer_sequence;
  if (facts.stream_sequence <= last_) return;
  last_ = facts.stream_sequence;
  marks_.Add({facts.stream_sequence, facts.stored_at});
  StreamMessage handed;
  handed.sequence = facts.stream_sequence;
  handed.subject = std::move(message.subject);
  handed.headers = std::move(message.headers);
  handed.data = std::move(message.data);
  handed.stored_at = facts.stored_at;
  callbacks_.message(std::move(handed));
  MaybeCaughtUp();
}

void StreamFollower::Impl::Fail(int64_t turn, absl::string_view why) {
  const absl::Duration now = clock_->Elapsed();
  std::unique_ptr<NatsSubscription> last;
  std::string consumer;
  {
    absl::MutexLock lock(&mutex_);
    if (turn != turn_ || !running_) return;
    ++turn_;
    running_ = false;
    begin_at_ = now + delay_;
    delay_ = std::min(2 * delay_, kLongestDelay);
    last.swap(subscription_);
    consumer.swap(consumer_);
  }
  retired_.Add(std::move(last), now);
  if (const int64_t count = throttle_.Occurred()) {
    log_->Info("store", "following a stream begins anew",
               {{"stream", options_.stream}, {"why", why}, {"count", count}});
  }
  if (!consumer.empty()) {
    api_->DeleteConsumer(options_.stream, consumer, [](const absl::Status&) {});
  }
}

void StreamFollower::Impl::Tick() {
  const absl::Duration now = clock_->Elapsed();
  const int64_t connection_number = api_->connection()->connection_number();
  retired_.RemoveOld(now);
  int64_t turn = 0;
  absl::string_view why;
  {
    absl::MutexLock lock(&mutex_);
    turn = turn_;
    if (running_ && connection_number_ != connection_number) {
      why = "the connection broke";
    } else if (running_ && !consumer_.empty() && now - heard_at_ > kSilence) {
      why = "no heartbeat came";
    } else if (running_ || connection_number == 0 || now < begin_at_) {
      return;
    }
  }
  if (why.empty()) return Begin();
  Fail(turn, why);
}

void StreamFollower::Impl::End() {
  calls_.End();
  std::unique_ptr<NatsSubscription> last;
  std::string consumer;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    ++turn_;
    running_ = false;
    last.swap(subscription_);
    consumer.swap(consumer_);
  }
  retired_.RemoveAll();
  if (!consumer.empty()) {
    api_->DeleteConsumer(options_.stream, consumer, [](const absl::Status&) {});
  }
}

StreamFollower::StreamFollower(JetStreamApi* api, Options options, Callbacks callbacks,
                               const Clock* clock, const Log* log)
    : impl_(std::make_shared<Impl>(api, std::move(options), std::move(callbacks), clock, log)) {}

StreamFollower::~StreamFollower() { impl_->End(); }

void StreamFollower::Start() { impl_->Begin(); }

void StreamFollower::Tick() { impl_->Tick(); }

}  // namespace onhook
