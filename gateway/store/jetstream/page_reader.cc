#include "gateway/store/jetstream/page_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// For how long the server looks out for messages that should be there, and are not: some were
// deleted by hand, or it is a replica that is a little behind.
constexpr absl::Duration kLookOut = absl::Seconds(1);
// And how long its answer may take.
constexpr absl::Duration kAnswerTime = absl::Seconds(2);

constexpr int kNoSuchMessages = 404;
constexpr int kTimeIsOver = 408;
constexpr int kConflict = 409;
constexpr int kControl = 100;

}  // namespace

void PageReader::Create(JetStreamApi* api, const std::string& stream, int64_t after,
                        const std::string& filter_subject, const std::string& inbox,
                        const Clock* clock, Created created) {
  ConsumerConfig config;
  config.start_sequence = after + 1;
  if (!filter_subject.empty()) config.filter_subjects = {filter_subject};
  config.explicit_ack = false;
  config.replicas = 1;
  config.memory_storage = true;
  config.inactive_threshold = kInactiveThreshold;
  std::shared_ptr<PageReader> reader(
      new PageReader(api, stream, after, filter_subject, inbox, clock));
  api->CreateConsumer(stream, config,
                      [reader, created = std::move(created)](absl::StatusOr<ConsumerInfo> info) {
                        if (!info.ok()) return created(info.status());
                        reader->name_ = info->name;
                        created(reader);
                      });
}

PageReader::PageReader(JetStreamApi* api, std::string stream, int64_t after,
                       std::string filter_subject, std::string inbox, const Clock* clock)
    : api_(api),
      stream_(std::move(stream)),
      filter_subject_(std::move(filter_subject)),
      clock_(clock),
      inbox_(std::move(inbox)),
      position_(after) {}

PageReader::~PageReader() {
  // If that does not come through, the server finds out by itself that nobody uses it.
  if (!name_.empty()) api_->DeleteConsumer(stream_, name_, [](const absl::Status&) {});
}

void PageReader::Fetch(int64_t max_messages, size_t max_bytes, int64_t through, Done done) {
  int64_t messages = 0;
  {
    absl::MutexLock lock(&mutex_);
    messages = std::max<int64_t>(1, std::min(max_messages, through - position_));
    Request request;
    request.max_messages = max_messages;
    request.max_bytes = max_bytes;
    request.through = through;
    request.done = std::move(done);
    request.until = clock_->Elapsed() + kLookOut + kAnswerTime;
    request.missing = messages;
    request_ = std::move(request);
  }
  const absl::Status status = Ask(messages, max_bytes);
  if (!status.ok()) Fail(status);
}

absl::Status PageReader::Ask(int64_t messages, size_t bytes) {
  const int64_t most =
      std::clamp<int64_t>(static_cast<int64_t>(bytes), 1, std::numeric_limits<int32_t>::max());
  std::string inbox;
  {
    absl::MutexLock lock(&mutex_);
    inbox = absl::StrCat(inbox_, ".", ++asked_);
  }
  const std::string limit = messages == 1 ? "" : absl::StrCat(",\"max_bytes\":", most);
  return api_->connection()->Publish(
      absl::StrCat("$JS.API.CONSUMER.MSG.NEXT.", stream_, ".", name_),
      absl::StrCat("{\"batch\":", messages, ",\"expires\":", absl::ToInt64Nanoseconds(kLookOut),
                   limit, "}"),
      inbox);
}

void PageReader::Received(NatsMessage message) {
  std::function<void()> ended;
  bool ask_for_one = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!request_.has_value()) {
      if (message.status == 0) reusable_ = false;  // it is lost
      return;
    }
    if (message.status == 0) {
      TakeMessage(message);
    } else {
      TakeStatus(message);
    }
    ended.swap(ended_);
    std::swap(ask_for_one, ask_for_one_);
  }
  if (ask_for_one) {
    const absl::Status status = Ask(1, 0);
    if (!status.ok()) Fail(status);
  }
  if (ended) ended();
}

void PageReader::TakeMessage(NatsMessage& message) {
  const std::optional<DeliveryFacts> facts = ParseAckSubject(message.reply);
  if (!facts.has_value()) return End(absl::UnavailableError("a message of no consumer came"));
  Request& request = *request_;
  if (facts->stream_sequence > request.through) {
    reusable_ = false;
    return End(absl::OkStatus());
  }
  StreamMessage taken;
  taken.sequence = facts->stream_sequence;
  taken.subject = std::move(message.subject);
  taken.headers = std::move(message.headers);
  taken.data = std::move(message.data);
  taken.stored_at = facts->stored_at;
  request.page.messages.push_back(std::move(taken));
  request.page.at_end = facts->pending == 0;
  position_ = facts->stream_sequence;
  const bool is_over = --request.missing == 0;
  if (!is_over && facts->pending > 0 && facts->stream_sequence < request.through) return;
  // What was asked for beyond this would come when nobody waits for it.
  if (!is_over) reusable_ = false;
  End(absl::OkStatus());
}

void PageReader::TakeStatus(const NatsMessage& message) {
  if (message.status == kControl || message.subject != absl::StrCat(inbox_, ".", asked_)) return;
  Request& request = *request_;
  const std::string what = absl::AsciiStrToLower(message.status_description);
  if (message.status == kNoSuchMessages || message.status == kTimeIsOver ||
      absl::StrContains(what, "batch completed")) {
    request.page.at_end = request.page.at_end || request.page.messages.empty();
    return End(absl::OkStatus());
  }
  if (message.status == kConflict && absl::StrContains(what, "maxbytes")) {
    if (!request.page.messages.empty()) return End(absl::OkStatus());
    request.missing = 1;
    ask_for_one_ = true;
    return;
  }
  End(absl::UnavailableError(
      absl::StrCat("a page cannot be read: ", message.status, " ", message.status_description)));
}

void PageReader::End(absl::Status status) {
  if (!status.ok()) reusable_ = false;
  ended_ = [done = std::move(request_->done), status = std::move(status),
            page = std::move(request_->page)]() mutable {
    if (!status.ok()) return done(std::move(status));
    done(std::move(page));
  };
  request_.reset();
}

void PageReader::Tick() {
  {
    absl::MutexLock lock(&mutex_);
    if (!request_.has_value() || clock_->Elapsed() < request_->until) return;
  }
  Fail(absl::UnavailableError("a page did not come in time"));
}

void PageReader::Fail(const absl::Status& status) {
  std::function<void()> ended;
  {
    absl::MutexLock lock(&mutex_);
    if (!request_.has_value()) return;
    End(absl::UnavailableError(status.message()));
    ended.swap(ended_);
  }
  ended();
}

int64_t PageReader::position() const {
  absl::MutexLock lock(&mutex_);
  return position_;
}

bool PageReader::is_reusable() const {
  absl::MutexLock lock(&mutex_);
  return reusable_;
}

}  // namespace onhook
