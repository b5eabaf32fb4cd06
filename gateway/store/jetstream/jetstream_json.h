#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_JSON_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_JSON_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/store/jetstream/jetstream_api.h"

namespace onhook {

// How the questions and answers of the JetStream API are written. Pure functions. Threads: any.
// Blocking: never.

std::string StreamConfigJson(const StreamConfig& config);
std::string ConsumerRequestJson(const std::string& stream, const ConsumerConfig& config);

// What an answer that tells of an error stands for, as JetStreamApi tells its codes; OK: it is
// none. kInternal also for what is no JSON.
absl::Status AnswerStatus(absl::string_view answer);

// The servers' own number of such an error; 0: it is none of theirs.
int64_t NatsErrorNumber(const absl::Status& status);

// Errors of all: those of AnswerStatus; kInternal (it is not what was asked for).
absl::StatusOr<StreamInfo> ParseStreamInfo(absl::string_view answer);
// Those that the information about a stream tells of, if it was asked for.
absl::StatusOr<std::vector<std::string>> ParseSubjects(absl::string_view answer);
absl::StatusOr<ConsumerInfo> ParseConsumerInfo(absl::string_view answer);
absl::StatusOr<StreamMessage> ParseStreamMessage(absl::string_view answer);
absl::StatusOr<PublishAck> ParsePublishAck(absl::string_view answer);

struct NamesPage {
  int64_t total = 0;
  std::vector<std::string> names;
};
absl::StatusOr<NamesPage> ParseConsumerNames(absl::string_view answer);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_JSON_H_
