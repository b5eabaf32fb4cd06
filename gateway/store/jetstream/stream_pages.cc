#include "gateway/store/jetstream/stream_pages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// Each is a request under way and a page in memory.
constexpr size_t kMostAtOnce = 64;
// As many as there may be streams that lag, and look-ups.
constexpr size_t kMostWaiting = 4096;
// Subscribers that page through the log at the same time, beyond which each page costs two
// requests.
constexpr size_t kMostIdle = 16;
// Well before the server lets go of it.
constexpr absl::Duration kIdleTime = absl::Seconds(20);
constexpr absl::Duration kTryAgainAfter = absl::Milliseconds(100);

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }

}  // namespace

StreamPages::StreamPages(JetStreamApi* api, std::string stream, absl::Duration patience,
                         PostponedWork* postponed, const Clock* clock)
    : api_(api),
      stream_(std::move(stream)),
      patience_(patience),
      postponed_(postponed),
      clock_(clock),
      inbox_(api->connection()->NewInbox()) {
  auto subscription = api_->connection()->Subscribe(
      absl::StrCat(inbox_, ".>"), [this](NatsMessage message) { Received(std::move(message)); });
  if (subscription.ok()) subscription_ = *std::move(subscription);
}

StreamPages::~StreamPages() {
  Close();
  subscription_.reset();
}

void StreamPages::Received(NatsMessage message) {
  std::string name = message.subject.substr(0, message.subject.rfind('.'));
  if (message.status == 0) {
    // Its subject is that of the stream.
    const std::optional<DeliveryFacts> facts = ParseAckSubject(message.reply);
    if (!facts.has_value()) return;
    name = facts->consumer;
  }
  std::shared_ptr<PageReader> reader;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = by_name_.find(name);
    if (it != by_name_.end()) reader = it->second.lock();
  }
  if (reader != nullptr) reader->Received(std::move(message));
}

void StreamPages::Read(Question question, Done done) {
  auto turn = std::make_shared<Turn>();
  turn->question = std::move(question);
  turn->done = std::move(done);
  turn->until = clock_->Elapsed() + patience_;
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) {
      refusal = Closing();
    } else if (reading_.size() < kMostAtOnce) {
      reading_.push_back(turn);
    } else if (waiting_.size() < kMostWaiting) {
      waiting_.push_back(turn);
      return;
    } else {
      refusal = absl::UnavailableError("too many wait to read the store");
    }
  }
  if (!refusal.ok()) return turn->done(refusal);
  Begin(turn);
}

void StreamPages::Begin(const TurnPtr& turn) {
  std::shared_ptr<PageReader> reader = TakeIdle(turn->question);
  if (reader == nullptr) return Create(turn);
  {
    absl::MutexLock lock(&mutex_);
    turn->reader = std::move(reader);
  }
  Fetch(turn);
}

void StreamPages::Create(const TurnPtr& turn) {
  std::string inbox;
  {
    absl::MutexLock lock(&mutex_);
    inbox = absl::StrCat(inbox_, ".", ++readers_);
  }
  PageReader::Create(api_, stream_, turn->question.after, turn->question.filter_subject, inbox,
                     clock_,
                     [this, turn, inbox](absl::StatusOr<std::shared_ptr<PageReader>> reader) {
                       if (!reader.ok()) return Failed(turn, reader.status());
                       {
                         absl::MutexLock lock(&mutex_);
                         by_name_[inbox] = *reader;
                         by_name_[(*reader)->name()] = *reader;
                         turn->reader = *std::move(reader);
                       }
                       Fetch(turn);
                     });
}

void StreamPages::Fetch(const TurnPtr& turn) {
  std::shared_ptr<PageReader> reader;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;  // it is answered
    reader = turn->reader;
  }
  const Question& question = turn->question;
  reader->Fetch(question.max_messages, question.max_bytes, question.through,
                [this, turn](absl::StatusOr<MessagePage> page) { Fetched(turn, std::move(page)); });
  {
    absl::MutexLock lock(&mutex_);
    if (!closed_) return;
    turn->reader = nullptr;
  }
  reader->Fail(Closing());  // else the two would keep each other
}

void StreamPages::Fetched(const TurnPtr& turn, absl::StatusOr<MessagePage> page) {
  std::shared_ptr<PageReader> reader;
  {
    absl::MutexLock lock(&mutex_);
    reader.swap(turn->reader);
    if (closed_) return;  // it is answered
  }
  if (!page.ok()) return Failed(turn, page.status());
  if (page->messages.empty()) return AskLeader(turn);
  if (reader != nullptr && reader->is_reusable()) Keep(std::move(reader));
  Finish(turn, std::move(page));
}

// Its reader found nothing. The server that it lives on may be behind.
void StreamPages::AskLeader(const TurnPtr& turn) {
  const Question& question = turn->question;
  const std::string subject = question.filter_subject.empty() ? ">" : question.filter_subject;
  api_->GetNext(stream_, question.after + 1, subject,
                [this, turn](absl::StatusOr<StreamMessage> next) {
                  MessagePage page;
                  page.at_end = true;
                  if (!next.ok() && !absl::IsNotFound(next.status())) {
                    return Failed(turn, next.status());
                  }
                  if (next.ok() && next->sequence <= turn->question.through) {
                    page.messages.push_back(*std::move(next));
                    page.at_end = false;
                  }
                  Finish(turn, std::move(page));
                });
}

void StreamPages::Failed(const TurnPtr& turn, const absl::Status& status) {
  const bool passes = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  if (!passes) return Finish(turn, absl::InternalError(status.message()));
  if (clock_->Elapsed() + kTryAgainAfter > turn->until) {
    return Finish(turn, absl::UnavailableError(status.message()));
  }
  postponed_->Add(kTryAgainAfter, [this, turn](bool closing) {
    if (closing) return Finish(turn, Closing());
    Begin(turn);
  });
}

void StreamPages::Finish(const TurnPtr& turn, absl::StatusOr<MessagePage> page) {
  TurnPtr next;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = std::find(reading_.begin(), reading_.end(), turn);
    if (it == reading_.end()) return;  // Close has answered it
    reading_.erase(it);
    if (!waiting_.empty()) {
      next = std::move(waiting_.front());
      waiting_.pop_front();
      next->until = clock_->Elapsed() + patience_;
      reading_.push_back(next);
    }
  }
  turn->done(std::move(page));
  if (next != nullptr) Begin(next);
}

std::shared_ptr<PageReader> StreamPages::TakeIdle(const Question& question) {
  absl::MutexLock lock(&mutex_);
  const auto it = std::find_if(idle_.begin(), idle_.end(), [&question](const IdleReader& idle) {
    return idle.position == question.after &&
           idle.reader->filter_subject() == question.filter_subject;
  });
  if (it == idle_.end()) return nullptr;
  std::shared_ptr<PageReader> reader = std::move(it->reader);
  idle_.erase(it);
  return reader;
}

void StreamPages::Keep(std::shared_ptr<PageReader> reader) {
  std::shared_ptr<PageReader> dropped;  // without the lock
  const int64_t position = reader->position();
  absl::MutexLock lock(&mutex_);
  if (closed_) {
    dropped = std::move(reader);
    return;
  }
  idle_.push_back({std::move(reader), position, clock_->Elapsed()});
  if (idle_.size() <= kMostIdle) return;
  dropped = std::move(idle_.front().reader);
  idle_.pop_front();
}

void StreamPages::Tick() {
  std::vector<std::shared_ptr<PageReader>> reading;
  std::vector<std::shared_ptr<PageReader>> dropped;
  {
    absl::MutexLock lock(&mutex_);
    for (const TurnPtr& turn : reading_) {
      if (turn->reader != nullptr) reading.push_back(turn->reader);
    }
    for (auto it = by_name_.begin(); it != by_name_.end();) {
      const auto entry = it++;
      if (entry->second.expired()) by_name_.erase(entry);
    }
    while (!idle_.empty() && clock_->Elapsed() - idle_.front().since > kIdleTime) {
      dropped.push_back(std::move(idle_.front().reader));
      idle_.pop_front();
    }
  }
  for (const std::shared_ptr<PageReader>& reader : reading) reader->Tick();
}

void StreamPages::Close() {
  std::vector<TurnPtr> open;
  std::deque<IdleReader> idle;
  std::vector<std::shared_ptr<PageReader>> readers;  // of what is being read
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    for (const TurnPtr& turn : reading_) {
      if (turn->reader != nullptr) readers.push_back(std::exchange(turn->reader, nullptr));
    }
    open.assign(reading_.begin(), reading_.end());
    open.insert(open.end(), waiting_.begin(), waiting_.end());
    reading_.clear();
    waiting_.clear();
    idle.swap(idle_);
  }
  for (const TurnPtr& turn : open) turn->done(Closing());
  for (const std::shared_ptr<PageReader>& reader : readers) reader->Fail(Closing());
}

}  // namespace onhook
