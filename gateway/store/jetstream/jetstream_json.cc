#include "gateway/store/jetstream/jetstream_json.h"

#include <simdjson.h>

#include <cstdint>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

namespace dom = simdjson::dom;

// --- what is written

class JsonObject {
 public:
  JsonObject& Text(absl::string_view name, absl::string_view text) {
    Name(name);
    AppendJsonString(text, out_);
    return *this;
  }
  JsonObject& Number(absl::string_view name, int64_t number) {
    Name(name);
    absl::StrAppend(&out_, number);
    return *this;
  }
  JsonObject& Flag(absl::string_view name, bool flag) { return Raw(name, flag ? "true" : "false"); }
  JsonObject& Nanoseconds(absl::string_view name, absl::Duration duration) {
    return Number(name, absl::ToInt64Nanoseconds(duration));
  }
  JsonObject& Texts(absl::string_view name, const std::vector<std::string>& texts) {
    Name(name);
    char before = '[';
    for (const std::string& text : texts) {
      out_ += before;
      AppendJsonString(text, out_);
      before = ',';
    }
    out_ += texts.empty() ? "[]" : "]";
    return *this;
  }
  JsonObject& Raw(absl::string_view name, absl::string_view json) {
    Name(name);
    absl::StrAppend(&out_, json);
    return *this;
  }
  std::string Finish() { return std::move(out_) + "}"; }

 private:
  void Name(absl::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    AppendJsonString(name, out_);
    out_ += ':';
  }
  std::string out_;
};

// --- what is read. What is not there is as if it were zero, empty or false, as the server leaves
// it out then.

std::string Text(dom::element of, const char* name) {
  std::string_view text;
  return of[name].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

int64_t Number(dom::element of, const char* name) {
  int64_t number = 0;
  return of[name].get(number) == simdjson::SUCCESS ? number : 0;
}

bool Flag(dom::element of, const char* name) {
  bool flag = false;
  return of[name].get(flag) == simdjson::SUCCESS && flag;
}

absl::Duration Nanoseconds(dom::element of, const char* name) {
  return absl::Nanoseconds(Number(of, name));
}

bool Has(dom::element of, const char* name) {
  dom::element element;
  return of[name].get(element) == simdjson::SUCCESS && !element.is_null();
}

std::vector<std::string> Texts(dom::element of, const char* name) {
  std::vector<std::string> texts;
  dom::array array;
  if (of[name].get(array) != simdjson::SUCCESS) return texts;
  for (const dom::element element : array) {
    std::string_view text;
    if (element.get(text) == simdjson::SUCCESS) texts.emplace_back(text);
  }
  return texts;
}

constexpr int64_t kNoSuchStream = 10059;

// The codes that mean something to us. Else the HTTP-like code beside them tells.
absl::StatusCode CodeOf(int64_t error, int64_t code) {
  switch (error) {
    case kNoSuchStream:
    case 10014:  // no such consumer
    case 10037:  // no message found
    case 10043:  // no message found at that sequence
      return absl::StatusCode::kNotFound;
    case 10058:  // the stream's name is in use, with another configuration
    case 10065:  // its subjects overlap with another stream's
    case 10105:  // the consumer exists and is active
    case 10148:  // the consumer exists
      return absl::StatusCode::kAlreadyExists;
    case 10071:  // wrong last sequence
    case 10164:  // the same without its number
      return absl::StatusCode::kAborted;
    case 10002:  // resource limits of the account
    case 10023:  // insufficient resources
    case 10026:  // maximum of consumers
    case 10027:  // maximum of streams
    case 10028:  // insufficient memory
    case 10047:  // insufficient storage
    case 10077:  // the stream would not store it
    case 10122:  // rejected: storage exceeded
      return absl::StatusCode::kResourceExhausted;
    case 10005:  // no peers that fit
    case 10035:  // not enabled for the account
    case 10039:  // not enabled for that account
    case 10074:  // replicas without a cluster
    case 10076:  // not enabled
      return absl::StatusCode::kFailedPrecondition;
    case 10008:  // temporarily unavailable
    case 10009:  // no leader
    case 10158:  // a message of that id is under way
      return absl::StatusCode::kUnavailable;
    default:
      break;
  }
  if (code == 404) return absl::StatusCode::kNotFound;
  if (code == 503) return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kInternal;
}

// Payload of a status: the server's number of the error, as text.
constexpr char kNumberType[] = "onhook/nats-error-number";

absl::Status ErrorOf(dom::element answer) {
  dom::element error;
  if (answer["error"].get(error) != simdjson::SUCCESS) return absl::OkStatus();
  const int64_t number = Number(error, "err_code");
  const std::string description = Text(error, "description");
  absl::StatusCode code = CodeOf(number, Number(error, "code"));
  // Two numbers stand for many things.
  if (number == 10057 && (absl::StrContains(description, "no message found") ||
                          absl::StrContains(description, "EOF"))) {
    code = absl::StatusCode::kNotFound;
  } else if (number == 10012 && absl::StrContains(description, "can not be updated")) {
    code = absl::StatusCode::kAlreadyExists;
  }
  absl::Status status(code, absl::StrCat("NATS says: ", description, " (", number, ")"));
  status.SetPayload(kNumberType, absl::Cord(absl::StrCat(number)));
  return status;
}

// The parser's memory is the thread's, and the element's until the thread parses the next.
absl::StatusOr<dom::element> Parse(absl::string_view json) {
  static thread_local dom::parser parser;
  dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS ||
      !element.is_object()) {
    return absl::InternalError("NATS answered with what is no JSON object");
  }
  absl::Status error = ErrorOf(element);
  if (!error.ok()) return error;
  return element;
}

absl::Status Strange(absl::string_view what) {
  return absl::InternalError(absl::StrCat("NATS answered with what is no ", what));
}

// What a stream must not do. The server would remove messages unasked, refuse some for ever, or
// keep them in other ways than we rely on.
std::string Unsuitable(dom::element config) {
  constexpr absl::string_view kForGood =
      ", which the servers let nobody change: it can be no stream of onhook";
  const std::pair<const char*, absl::string_view> limits[] = {
      {"max_age", "0"}, {"max_msgs_per_subject", "-1"}, {"max_msg_size", "-1"}};
  for (const auto& [name, none] : limits) {
    if (Number(config, name) > 0) return absl::StrCat(name, " is set: set it to ", none);
  }
  if (Flag(config, "no_ack")) return "no_ack is set: set it to false";
  for (const char* flag : {"sealed", "deny_delete", "deny_purge", "allow_msg_counter"}) {
    if (Flag(config, flag)) return absl::StrCat(flag, " is set", kForGood);
  }
  for (const char* member : {"mirror", "sources", "subject_transform"}) {
    if (Has(config, member)) return absl::StrCat(member, " is set: take it out");
  }
  if (Text(config, "retention") == "interest") return "retention is interest: set it to limits";
  const std::string discard = Text(config, "discard");
  if (discard != "new") return absl::StrCat("discard is ", discard, ", not new: set it to new");
  const std::pair<const char*, absl::string_view> texts[] = {{"retention", "limits"},
                                                             {"storage", "file"}};
  for (const auto& [name, wanted] : texts) {
    const std::string text = Text(config, name);
    if (text != wanted) return absl::StrCat(name, " is ", text, ", not ", wanted, kForGood);
  }
  // Of newer servers: confirmed before it is written.
  const std::string mode = Text(config, "persist_mode");
  if (!mode.empty() && mode != "default") return absl::StrCat("persist_mode is ", mode, kForGood);
  return "";
}

StreamConfig StreamConfigOf(dom::element from) {
  StreamConfig config;
  config.name = Text(from, "name");
  config.subjects = Texts(from, "subjects");
  config.replicas = static_cast<int>(Number(from, "num_replicas"));
  config.duplicate_window = Nanoseconds(from, "duplicate_window");
  config.description = Text(from, "description");
  config.allow_rollup = Flag(from, "allow_rollup_hdrs");
  config.max_consumers = Number(from, "max_consumers");
  config.max_messages = Number(from, "max_msgs");
  config.max_bytes = Number(from, "max_bytes");
  return config;
}

ConsumerConfig ConsumerConfigOf(dom::element from) {
  ConsumerConfig config;
  config.name = Text(from, "name");
  config.durable = Has(from, "durable_name");
  if (config.name.empty()) config.name = Text(from, "durable_name");
  config.description = Text(from, "description");
  config.filter_subjects = Texts(from, "filter_subjects");
  if (Has(from, "filter_subject")) config.filter_subjects.push_back(Text(from, "filter_subject"));
  if (Has(from, "opt_start_seq")) config.start_sequence = Number(from, "opt_start_seq");
  config.explicit_ack = Text(from, "ack_policy") == "explicit";
  config.ack_wait = Nanoseconds(from, "ack_wait");
  config.max_ack_pending = Number(from, "max_ack_pending");
  config.replicas = static_cast<int>(Number(from, "num_replicas"));
  config.memory_storage = Flag(from, "mem_storage");
  config.inactive_threshold = Nanoseconds(from, "inactive_threshold");
  config.deliver_subject = Text(from, "deliver_subject");
  config.flow_control = Flag(from, "flow_control");
  config.idle_heartbeat = Nanoseconds(from, "idle_heartbeat");
  return config;
}

// "NATS/1.0", then a line "Name: value" for each.
NatsHeaders HeadersOf(absl::string_view block) {
  NatsHeaders headers;
  for (absl::string_view line : absl::StrSplit(block, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (line.find(':') == absl::string_view::npos) continue;
    headers.emplace_back(header.first, absl::StripPrefix(header.second, " "));
  }
  return headers;
}

}  // namespace

std::string StreamConfigJson(const StreamConfig& config) {
  JsonObject json;
  json.Text("name", config.name).Texts("subjects", config.subjects);
  if (!config.description.empty()) json.Text("description", config.description);
  json.Text("retention", "limits").Text("storage", "file").Text("discard", "new");
  json.Number("max_consumers", config.max_consumers);
  json.Number("max_msgs", config.max_messages).Number("max_bytes", config.max_bytes);
  json.Number("max_msgs_per_subject", -1).Number("max_msg_size", -1).Number("max_age", 0);
  json.Number("num_replicas", config.replicas);
  json.Nanoseconds("duplicate_window", config.duplicate_window);
  json.Flag("allow_rollup_hdrs", config.allow_rollup).Flag("allow_direct", false);
  return json.Finish();
}

std::string ConsumerRequestJson(const std::string& stream, const ConsumerConfig& config) {
  JsonObject json;
  if (!config.name.empty()) json.Text("name", config.name);
  if (config.durable) json.Text("durable_name", config.name);
  if (!config.description.empty()) json.Text("description", config.description);
  if (config.filter_subjects.size() == 1) {
    json.Text("filter_subject", config.filter_subjects.front());
  } else if (!config.filter_subjects.empty()) {
    json.Texts("filter_subjects", config.filter_subjects);
  }
  if (config.start_sequence > 1) {
    json.Text("deliver_policy", "by_start_sequence");
    json.Number("opt_start_seq", config.start_sequence);
  } else {
    json.Text("deliver_policy", "all");
  }
  json.Text("ack_policy", config.explicit_ack ? "explicit" : "none");
  if (config.explicit_ack) {
    json.Nanoseconds("ack_wait", config.ack_wait).Number("max_ack_pending", config.max_ack_pending);
  }
  json.Number("max_deliver", -1).Text("replay_policy", "instant");
  json.Number("num_replicas", config.replicas).Flag("mem_storage", config.memory_storage);
  if (config.inactive_threshold > absl::ZeroDuration()) {
    json.Nanoseconds("inactive_threshold", config.inactive_threshold);
  }
  if (!config.deliver_subject.empty()) {
    json.Text("deliver_subject", config.deliver_subject).Flag("flow_control", config.flow_control);
    json.Nanoseconds("idle_heartbeat", config.idle_heartbeat);
  }
  return JsonObject().Text("stream_name", stream).Raw("config", json.Finish()).Finish();
}

absl::Status AnswerStatus(absl::string_view answer) { return Parse(answer).status(); }

int64_t NatsErrorNumber(const absl::Status& status) {
  int64_t number = 0;
  const auto payload = status.GetPayload(kNumberType);
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &number)) return 0;
  return number;
}

absl::StatusOr<StreamInfo> ParseStreamInfo(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  if (!json.ok()) return json.status();
  dom::element config;
  dom::element state;
  if ((*json)["config"].get(config) != simdjson::SUCCESS ||
      (*json)["state"].get(state) != simdjson::SUCCESS) {
    return Strange("stream");
  }
  StreamInfo info;
  info.config = StreamConfigOf(config);
  info.unsuitable = Unsuitable(config);
  info.first_sequence = Number(state, "first_seq");
  info.last_sequence = Number(state, "last_seq");
  info.messages = Number(state, "messages");
  info.bytes = Number(state, "bytes");
  info.current_replicas = 1;
  dom::element cluster;
  if ((*json)["cluster"].get(cluster) != simdjson::SUCCESS) return info;
  info.leader = Text(cluster, "leader");
  if (info.leader.empty()) info.current_replicas = 0;
  dom::array replicas;
  if (cluster["replicas"].get(replicas) != simdjson::SUCCESS) return info;
  for (const dom::element replica : replicas) {
    if (Flag(replica, "current") && !Flag(replica, "offline")) ++info.current_replicas;
  }
  return info;
}

absl::StatusOr<std::vector<std::string>> ParseSubjects(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  if (!json.ok()) return json.status();
  dom::element state;
  if ((*json)["state"].get(state) != simdjson::SUCCESS) return Strange("stream");
  std::vector<std::string> subjects;
  dom::object counts;
  if (state["subjects"].get(counts) != simdjson::SUCCESS) return subjects;  // it is empty
  for (const auto& [subject, count] : counts) subjects.emplace_back(subject);
  return subjects;
}

absl::StatusOr<ConsumerInfo> ParseConsumerInfo(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  if (!json.ok()) return json.status();
  dom::element config;
  dom::element delivered;
  dom::element floor;
  if ((*json)["config"].get(config) != simdjson::SUCCESS ||
      (*json)["delivered"].get(delivered) != simdjson::SUCCESS ||
      (*json)["ack_floor"].get(floor) != simdjson::SUCCESS) {
    return Strange("consumer");
  }
  ConsumerInfo info;
  info.name = Text(*json, "name");
  info.config = ConsumerConfigOf(config);
  info.delivered_stream_sequence = Number(delivered, "stream_seq");
  info.ack_floor_stream_sequence = Number(floor, "stream_seq");
  info.pending = Number(*json, "num_pending");
  info.ack_pending = Number(*json, "num_ack_pending");
  info.redelivered = Number(*json, "num_redelivered");
  info.waiting = Number(*json, "num_waiting");
  return info;
}

absl::StatusOr<StreamMessage> ParseStreamMessage(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  // A stream that is away may be put back, with the message in it.
  if (NatsErrorNumber(json.status()) == kNoSuchStream) {
    return absl::UnavailableError(json.status().message());
  }
  if (!json.ok()) return json.status();
  dom::element from;
  if ((*json)["message"].get(from) != simdjson::SUCCESS) return Strange("message");
  StreamMessage message;
  message.subject = Text(from, "subject");
  message.sequence = Number(from, "seq");
  std::string headers;
  std::string error;
  if (!absl::Base64Unescape(Text(from, "data"), &message.data) ||
      !absl::Base64Unescape(Text(from, "hdrs"), &headers) ||
      !absl::ParseTime(absl::RFC3339_full, Text(from, "time"), &message.stored_at, &error)) {
    return Strange("message");
  }
  message.headers = HeadersOf(headers);
  return message;
}

absl::StatusOr<PublishAck> ParsePublishAck(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  if (!json.ok()) return json.status();
  PublishAck ack;
  ack.sequence = Number(*json, "seq");
  ack.duplicate = Flag(*json, "duplicate");
  if (ack.sequence <= 0) return Strange("acknowledgement");
  return ack;
}

absl::StatusOr<NamesPage> ParseConsumerNames(absl::string_view answer) {
  const absl::StatusOr<dom::element> json = Parse(answer);
  if (!json.ok()) return json.status();
  return NamesPage{Number(*json, "total"), Texts(*json, "consumers")};
}

}  // namespace onhook
