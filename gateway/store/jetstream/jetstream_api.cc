#include "gateway/store/jetstream/jetstream_api.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/base/text.h"
#include "gateway/store/jetstream/jetstream_json.h"

namespace onhook {
namespace {

// "PREFIX.STREAM" of the API.
std::string Api(absl::string_view call, absl::string_view stream) {
  return absl::StrCat("$JS.API.", call, ".", stream);
}

std::string Quoted(absl::string_view text) {
  std::string quoted;
  AppendJsonString(text, quoted);
  return quoted;
}

// Hands on what `parse` makes of an answer.
template <typename Result, typename Parse>
NatsConnection::Reply Parsed(JetStreamApi::Done<Result> done, Parse parse) {
  return [done = std::move(done), parse](absl::StatusOr<NatsMessage> answer) {
    if (answer.ok()) {
      done(parse(answer->data));
    } else {
      done(answer.status());
    }
  };
}

NatsConnection::Reply Checked(JetStreamApi::DoneStatus done) {
  return [done = std::move(done)](const absl::StatusOr<NatsMessage>& answer) {
    done(answer.ok() ? AnswerStatus(answer->data) : answer.status());
  };
}

struct NamesGathering {
  NatsConnection* connection;
  absl::Duration timeout;
  std::string subject;
  JetStreamApi::Done<std::vector<std::string>> done;
  std::vector<std::string> names;
};

void GatherNames(const std::shared_ptr<NamesGathering>& gathering) {
  gathering->connection->Request(
      gathering->subject, {}, absl::StrCat("{\"offset\":", gathering->names.size(), "}"),
      gathering->timeout, [gathering](const absl::StatusOr<NatsMessage>& answer) {
        if (!answer.ok()) return gathering->done(answer.status());
        absl::StatusOr<NamesPage> page = ParseConsumerNames(answer->data);
        if (!page.ok()) return gathering->done(page.status());
        for (std::string& name : page->names) gathering->names.push_back(std::move(name));
        const bool more = static_cast<int64_t>(gathering->names.size()) < page->total;
        if (more && !page->names.empty()) return GatherNames(gathering);
        gathering->done(std::move(gathering->names));
      });
}

// One word of a subject, taken off its front.
absl::string_view NextToken(absl::string_view& rest) {
  const size_t dot = rest.find('.');
  const absl::string_view token = rest.substr(0, dot);
  rest.remove_prefix(dot == absl::string_view::npos ? rest.size() : dot + 1);
  return token;
}

}  // namespace

std::optional<DeliveryFacts> ParseAckSubject(absl::string_view reply) {
  constexpr int64_t kShortDots = 8;  // without domain and account
  constexpr int64_t kLongDots = 10;  // with them, and perhaps a word at random behind it
  if (!absl::ConsumePrefix(&reply, "$JS.ACK.")) return std::nullopt;
  const int64_t dots = 2 + std::count(reply.begin(), reply.end(), '.');
  if (dots >= kLongDots) {
    NextToken(reply);
    NextToken(reply);
  } else if (dots != kShortDots) {
    return std::nullopt;
  }
  DeliveryFacts facts;
  facts.stream = std::string(NextToken(reply));
  facts.consumer = std::string(NextToken(reply));
  int64_t stored_ns = 0;
  if (!absl::SimpleAtoi(NextToken(reply), &facts.delivered) ||
      !absl::SimpleAtoi(NextToken(reply), &facts.stream_sequence) ||
      !absl::SimpleAtoi(NextToken(reply), &facts.consumer_sequence) ||
      !absl::SimpleAtoi(NextToken(reply), &stored_ns) ||
      !absl::SimpleAtoi(NextToken(reply), &facts.pending)) {
    return std::nullopt;
  }
  facts.stored_at = absl::FromUnixNanos(stored_ns);
  return facts;
}

JetStreamApi::JetStreamApi(NatsConnection* connection, absl::Duration timeout)
    : connection_(connection), timeout_(timeout) {}

void JetStreamApi::Ask(const std::string& subject, absl::string_view body,
                       NatsConnection::Reply reply) {
  connection_->Request(subject, {}, body, timeout_, std::move(reply));
}

void JetStreamApi::CreateStream(const StreamConfig& config, Done<StreamInfo> done) {
  Ask(Api("STREAM.CREATE", config.name), StreamConfigJson(config),
      Parsed(std::move(done), &ParseStreamInfo));
}

void JetStreamApi::UpdateStream(const StreamConfig& config, Done<StreamInfo> done) {
  Ask(Api("STREAM.UPDATE", config.name), StreamConfigJson(config),
      Parsed(std::move(done), &ParseStreamInfo));
}

void JetStreamApi::GetStream(const std::string& name, Done<StreamInfo> done) {
  Ask(Api("STREAM.INFO", name), "", Parsed(std::move(done), &ParseStreamInfo));
}

void JetStreamApi::DeleteStream(const std::string& name, DoneStatus done) {
  Ask(Api("STREAM.DELETE", name), "", Checked(std::move(done)));
}

void JetStreamApi::Purge(const std::string& stream, int64_t sequence, const std::string& subject,
                         DoneStatus done) {
  if (sequence <= 1) {
    // Nothing is before the first; but asked so, servers (2.10) remove all.
    return Ask(Api("STREAM.INFO", stream), "", Checked(std::move(done)));
  }
  std::string body = absl::StrCat("{\"seq\":", sequence);
  if (!subject.empty()) absl::StrAppend(&body, ",\"filter\":", Quoted(subject));
  body += '}';
  Ask(Api("STREAM.PURGE", stream), body, Checked(std::move(done)));
}

void JetStreamApi::DeleteMessage(const std::string& stream, int64_t sequence, DoneStatus done) {
  Ask(Api("STREAM.MSG.DELETE", stream), absl::StrCat("{\"seq\":", sequence, ",\"no_erase\":true}"),
      Checked(std::move(done)));
}

void JetStreamApi::GetMessage(const std::string& stream, int64_t sequence,
                              Done<StreamMessage> done) {
  Ask(Api("STREAM.MSG.GET", stream), absl::StrCat("{\"seq\":", sequence, "}"),
      Parsed(std::move(done), &ParseStreamMessage));
}

void JetStreamApi::GetNext(const std::string& stream, int64_t sequence, const std::string& subject,
                           Done<StreamMessage> done) {
  Ask(Api("STREAM.MSG.GET", stream),
      absl::StrCat("{\"seq\":", std::max<int64_t>(sequence, 1),
                   ",\"next_by_subj\":", Quoted(subject), "}"),
      Parsed(std::move(done), &ParseStreamMessage));
}

void JetStreamApi::GetLast(const std::string& stream, const std::string& subject,
                           Done<StreamMessage> done) {
  Ask(Api("STREAM.MSG.GET", stream), absl::StrCat("{\"last_by_subj\":", Quoted(subject), "}"),
      Parsed(std::move(done), &ParseStreamMessage));
}

void JetStreamApi::Publish(const std::string& subject, const NatsHeaders& headers,
                           absl::string_view data, const PublishOptions& options,
                           Done<PublishAck> done) {
  NatsHeaders all;
  all.reserve(headers.size() + 3);
  if (!options.message_id.empty()) all.emplace_back("Nats-Msg-Id", options.message_id);
  if (options.expected_last_of_subject.has_value()) {
    all.emplace_back("Nats-Expected-Last-Subject-Sequence",
                     absl::StrCat(*options.expected_last_of_subject));
  }
  if (options.rollup) all.emplace_back("Nats-Rollup", "sub");
  all.insert(all.end(), headers.begin(), headers.end());
  connection_->Request(subject, all, data,
                       options.timeout > absl::ZeroDuration() ? options.timeout : timeout_,
                       Parsed(std::move(done), &ParsePublishAck));
}

void JetStreamApi::CreateConsumer(const std::string& stream, const ConsumerConfig& config,
                                  Done<ConsumerInfo> done) {
  std::string subject = Api("CONSUMER.CREATE", stream);
  if (!config.name.empty()) absl::StrAppend(&subject, ".", config.name);
  Ask(subject, ConsumerRequestJson(stream, config), Parsed(std::move(done), &ParseConsumerInfo));
}

void JetStreamApi::GetConsumer(const std::string& stream, const std::string& name,
                               Done<ConsumerInfo> done) {
  Ask(absl::StrCat(Api("CONSUMER.INFO", stream), ".", name), "",
      Parsed(std::move(done), &ParseConsumerInfo));
}

void JetStreamApi::DeleteConsumer(const std::string& stream, const std::string& name,
                                  DoneStatus done) {
  Ask(absl::StrCat(Api("CONSUMER.DELETE", stream), ".", name), "", Checked(std::move(done)));
}

void JetStreamApi::ListSubjects(const std::string& stream, Done<std::vector<std::string>> done) {
  Ask(Api("STREAM.INFO", stream), "{\"subjects_filter\":\">\"}",
      Parsed(std::move(done), &ParseSubjects));
}

void JetStreamApi::ListConsumers(const std::string& stream, Done<std::vector<std::string>> done) {
  const auto gathering = std::make_shared<NamesGathering>();
  gathering->connection = connection_;
  gathering->timeout = timeout_;
  gathering->subject = Api("CONSUMER.NAMES", stream);
  gathering->done = std::move(done);
  GatherNames(gathering);
}

absl::Status AwaitStatus(const std::function<void(JetStreamApi::DoneStatus)>& ask) {
  struct Answer {
    SteadyNotification came;
    absl::Status status;
  };
  const auto answer = std::make_shared<Answer>();
  ask([answer](absl::Status status) {
    answer->status = std::move(status);
    answer->came.Notify();
  });
  answer->came.Wait();
  return std::move(answer->status);
}

}  // namespace onhook
