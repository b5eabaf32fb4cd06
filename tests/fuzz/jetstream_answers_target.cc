// What JetStream's servers answer, and where they say a message stands: whatever comes is told as
// an answer or as an error, the same by every reader, and what is read means what we would write.
//
// An input is one answer, or one reply subject.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/text.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_json.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

// As JetStreamApi's contract names them, and no other.
bool IsPromised(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

// An answer that is an error is one for every reader; one that is none may still be another
// answer than was asked for.
void CheckStatus(const absl::Status& answer, const absl::Status& read) {
  FUZZ_CHECK(IsPromised(read));
  if (!answer.ok()) FUZZ_CHECK(read.code() == answer.code());
  if (answer.ok() && !read.ok()) FUZZ_CHECK(absl::IsInternal(read));
}

// `json` with more members in front.
std::string With(absl::string_view members, const std::string& json) {
  return absl::StrCat("{", members, json.substr(1));
}

void CheckStream(const absl::StatusOr<StreamInfo>& info) {
  if (!info.ok()) return;
  FUZZ_CHECK(info->current_replicas >= 0);
  const std::string written = StreamConfigJson(info->config);
  const absl::StatusOr<StreamInfo> again =
      ParseStreamInfo(absl::StrCat("{\"state\":{},\"config\":", written, "}"));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->unsuitable.empty());
  FUZZ_CHECK(StreamConfigJson(again->config) == written);
}

void CheckConsumer(const absl::StatusOr<ConsumerInfo>& info) {
  if (!info.ok()) return;
  const std::string written = ConsumerRequestJson("stream", info->config);
  const absl::StatusOr<ConsumerInfo> again =
      ParseConsumerInfo(With("\"delivered\":{},\"ack_floor\":{},", written));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(ConsumerRequestJson("stream", again->config) == written);
}

void CheckMessage(const absl::StatusOr<StreamMessage>& message) {
  if (!message.ok()) return;
  for (const auto& [name, value] : message->headers) {
    FUZZ_CHECK(!absl::StrContains(name, ":"));
    FUZZ_CHECK(!absl::StrContains(value, "\r\n"));
  }
}

void CheckAnswer(absl::string_view bytes) {
  const absl::Status answer = AnswerStatus(bytes);
  FUZZ_CHECK(IsPromised(answer));
  const absl::StatusOr<StreamInfo> stream = ParseStreamInfo(bytes);
  CheckStatus(answer, stream.status());
  CheckStream(stream);
  const absl::StatusOr<ConsumerInfo> consumer = ParseConsumerInfo(bytes);
  CheckStatus(answer, consumer.status());
  CheckConsumer(consumer);
  const absl::StatusOr<StreamMessage> message = ParseStreamMessage(bytes);
  // Of a stream that is not there nobody knows what was in it.
  if (NatsErrorNumber(answer) == 10059) {
    FUZZ_CHECK(absl::IsUnavailable(message.status()));
  } else {
    CheckStatus(answer, message.status());
  }
  CheckMessage(message);
  const absl::StatusOr<PublishAck> ack = ParsePublishAck(bytes);
  CheckStatus(answer, ack.status());
  if (ack.ok()) FUZZ_CHECK(ack->sequence > 0);
  ParseSubjects(bytes).IgnoreError();
  const absl::StatusOr<NamesPage> names = ParseConsumerNames(bytes);
  CheckStatus(answer, names.status());
}

bool operator==(const DeliveryFacts& a, const DeliveryFacts& b) {
  return a.stream == b.stream && a.consumer == b.consumer && a.delivered == b.delivered &&
         a.stream_sequence == b.stream_sequence && a.consumer_sequence == b.consumer_sequence &&
         a.stored_at == b.stored_at && a.pending == b.pending;
}

void CheckAckSubject(absl::string_view reply) {
  const std::optional<DeliveryFacts> facts = ParseAckSubject(reply);
  if (!facts.has_value()) return;
  FUZZ_CHECK(!absl::StrContains(facts->stream, "."));
  FUZZ_CHECK(!absl::StrContains(facts->consumer, "."));
  const std::string rest = absl::StrCat(
      facts->stream, ".", facts->consumer, ".", facts->delivered, ".", facts->stream_sequence, ".",
      facts->consumer_sequence, ".", absl::ToUnixNanos(facts->stored_at), ".", facts->pending);
  // Both forms, the long one with and without the word at its end.
  for (const std::string& subject :
       {absl::StrCat("$JS.ACK.", rest), absl::StrCat("$JS.ACK._.hash.", rest),
        absl::StrCat("$JS.ACK.domain.hash.", rest, ".word")}) {
    const std::optional<DeliveryFacts> again = ParseAckSubject(subject);
    FUZZ_CHECK(again.has_value() && *again == *facts);
  }
}

}  // namespace

// As servers of 2.10 and 2.15 answer; bodies are what messages hold.
std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      R"({"type":"io.nats.jetstream.api.v1.stream_info_response","total":0,"offset":0,"limit":0,)"
      R"("config":{"name":"S","subjects":["a.\u003e"],"retention":"limits","max_consumers":-1,)"
      R"("max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,)"
      R"("discard":"new","storage":"file","num_replicas":3,"duplicate_window":120000000000,)"
      R"("sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":true,)"
      R"("persist_mode":"default","description":"d"},"created":"2022-02-22T10:04:36Z",)"
      R"("state":{"messages":2,"bytes":84,"first_seq":2,"last_seq":3,"consumer_count":0},)"
      R"("cluster":{"name":"C","leader":"n1","replicas":[{"name":"n2","current":true},)"
      R"({"name":"n3","current":false,"offline":true}]}})",
      R"({"config":{"name":"S","retention":"workqueue","max_age":1,"mirror":{"name":"T"}},)"
      R"("state":{}})",
      R"({"stream_name":"S","name":"c","created":"2022-02-22T10:04:36Z","config":{)"
      R"("durable_name":"c","name":"c","deliver_policy":"by_start_sequence","opt_start_seq":7,)"
      R"("ack_policy":"explicit","ack_wait":10000000000,"max_deliver":-1,)"
      R"("filter_subject":"a.1","replay_policy":"instant","max_ack_pending":1000,)"
      R"("num_replicas":0,"mem_storage":true,"inactive_threshold":5000000000},)"
      R"("delivered":{"consumer_seq":1,"stream_seq":9},"ack_floor":{"consumer_seq":0,)"
      R"("stream_seq":8},"num_ack_pending":1,"num_redelivered":2,"num_waiting":3,)"
      R"("num_pending":4})",
      R"({"name":"p","config":{"deliver_subject":"_INBOX.1","filter_subjects":["a","b"],)"
      R"("flow_control":true,"idle_heartbeat":1000000000,"ack_policy":"none"},"delivered":{},)"
      R"("ack_floor":{}})",
      R"({"stream":"S", "seq":1})",
      R"({"stream":"S","domain":"d","seq":2,"duplicate": true})",
      R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},)"
      R"("stream":"S","seq":0})",
      R"({"type":"io.nats.jetstream.api.v1.stream_msg_delete_response","error":{"code":500,)"
      R"("err_code":10057,"description":"no message found"}})",
      R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})",
      R"({"error":{"code":503,"err_code":10008}})",
      R"({"total":3,"offset":0,"limit":1024,"consumers":["a","b","c"]})",
      R"({"message":{"subject":"a.1","seq":1,"hdrs":"TkFUUy8xLjANCkE6IGINCkM6DQoNCg==",)"
      R"("data":"eA==","time":"2022-02-22T10:04:36.123456789Z"}})",
      "$JS.ACK.S.c.1.2.3.1645524276123456789.4",
      "$JS.ACK._.hash.S.c.1.2.3.1645524276123456789.4",
      "$JS.ACK.domain.hash.S.c.1.2.3.1645524276123456789.4.word"};
  for (const std::string& body : bodies) {
    // As text: not all of them are JSON, and base64 would hide them.
    std::string seed = R"({"error":{"code":404,"description":)";
    if (!IsValidUtf8(body)) continue;
    AppendJsonString(body, seed);
    seeds.push_back(seed + "}}");
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = onhook::BytesOf(data, size);
  onhook::CheckAnswer(bytes);
  onhook::CheckAckSubject(bytes);
  return 0;
}
