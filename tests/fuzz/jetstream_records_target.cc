// What lies in the streams of the JetStream engine: whatever a message holds is read as a record of
// ours or told as damaged, and what is read is written as the same.
//
// An input is one message's content, read as each kind of record in turn, and as a text that is to
// become a token of a subject.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/event_message.h"
#include "gateway/store/jetstream/rejected_message.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/sequence.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

constexpr absl::Time kStoredAt = absl::UnixEpoch();

void CheckEvent(absl::string_view bytes) {
  const LogEventPtr event = DecodeEvent(bytes, 7, kStoredAt);
  FUZZ_CHECK(event != nullptr && event->sequence == 7 && event->stored_at == kStoredAt);
  FUZZ_CHECK(event->corrupt == event->event.empty());
  jetstream::StoredEvent stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    FUZZ_CHECK(event->corrupt);
    return;
  }
  FUZZ_CHECK(IdentityOf(stored).size() == 32);
  const absl::StatusOr<std::optional<std::string>> body = RawBodyOf(stored);
  FUZZ_CHECK(body.ok() || absl::IsDataLoss(body.status()));
  if (event->corrupt) return;
  NewEvent written;
  written.source = stored.source();
  written.call_serial_no = stored.call_serial_no();
  written.digest = stored.digest();
  written.received_at = event->received_at;
  written.event = event->event;
  if (body.ok()) written.raw_body = body->value_or("");
  const jetstream::StoredEvent again = EncodeEvent(written);
  FUZZ_CHECK(IdentityOf(again) == IdentityOf(stored));
  FUZZ_CHECK(IdentityOf(written) == IdentityOf(stored));
  const LogEventPtr reread = DecodeEvent(again.SerializeAsString(), 7, kStoredAt);
  FUZZ_CHECK(!reread->corrupt && reread->event == event->event);
  FUZZ_CHECK(reread->received_at == event->received_at);
  const absl::StatusOr<std::optional<std::string>> body_again = RawBodyOf(again);
  FUZZ_CHECK(body_again.ok() && body_again->value_or("") == written.raw_body);
}

void CheckRejected(absl::string_view bytes) {
  StreamMessage message;
  message.sequence = 7;
  message.subject = "onhook.rejected.default.0123";
  message.data = std::string(bytes);
  message.stored_at = kStoredAt;
  const RejectedCallback described = DescribeRejected(message);
  FUZZ_CHECK(described.id == 7 && described.callback.raw_body.empty());
  FUZZ_CHECK(described.body_bytes <= static_cast<int64_t>(bytes.size()));
  const absl::StatusOr<NewRejectedCallback> callback = DecodeRejected(bytes);
  if (!callback.ok()) {
    FUZZ_CHECK(absl::IsDataLoss(callback.status()));
    FUZZ_CHECK(described.callback.source == "default");
    return;
  }
  const absl::StatusOr<NewRejectedCallback> again = DecodeRejected(EncodeRejected(*callback));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->source == callback->source && again->reason == callback->reason);
  FUZZ_CHECK(again->received_at == callback->received_at);
  FUZZ_CHECK(again->detail == callback->detail && again->content_type == callback->content_type);
  FUZZ_CHECK(again->raw_body == callback->raw_body);
  FUZZ_CHECK(RejectedHash(*again) == RejectedHash(*callback));
}

void CheckRuns(const jetstream::Runs& runs) {
  const SequenceSet decoded = DecodeRuns(runs);
  jetstream::Runs written;
  EncodeRuns(decoded, &written);
  const SequenceSet again = DecodeRuns(written);
  FUZZ_CHECK(again.runs() == decoded.runs());
  Sequence before = 0;
  for (const auto& [first, last] : decoded.runs()) {
    FUZZ_CHECK(first > before && last >= first);
    before = last;
  }
}

void CheckChanges(absl::string_view bytes) {
  jetstream::Runs runs;
  if (runs.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) CheckRuns(runs);
  jetstream::SubscriptionChanges changes;
  if (!changes.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  for (const jetstream::SubscriptionChange& change : changes.changes()) {
    if (change.has_settled()) CheckRuns(change.settled().sequences());
    if (!change.has_snapshot()) continue;
    CheckRuns(change.snapshot().settled());
    CheckRuns(change.snapshot().processed());
  }
}

// One token, that no other text of these makes.
void CheckToken(absl::string_view bytes) {
  const std::string token = SubjectToken(bytes);
  FUZZ_CHECK(!token.empty() && token.size() <= 128);
  FUZZ_CHECK(std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '=';
  }));
  FUZZ_CHECK(SubjectToken(absl::StrCat(bytes, "x")) != token);
  FUZZ_CHECK(SubjectToken(absl::StrCat("x", bytes)) != token);
  FUZZ_CHECK(bytes.empty() || SubjectToken(bytes.substr(1)) != token);
  FUZZ_CHECK(SubjectToken(token) != token || token == bytes);
}

jetstream::SubscriptionChanges SomeChanges() {
  SequenceSet sequences;
  sequences.Add({1, 5});
  sequences.Add({9, 9});
  jetstream::SubscriptionChanges changes;
  changes.set_subscription("crm");
  EncodeRuns(sequences, changes.add_changes()->mutable_settled()->mutable_sequences());
  auto* const snapshot = changes.add_changes()->mutable_snapshot();
  EncodeRuns(sequences, snapshot->mutable_settled());
  EncodeRuns(sequences, snapshot->mutable_processed());
  return changes;
}

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      SomeChanges().SerializeAsString(),
      SomeChanges().changes(0).settled().sequences().SerializeAsString()};
  for (const std::string& body : bodies) {
    NewEvent event;
    event.source = "default";
    event.call_serial_no = "0123456789";
    event.digest = std::string(16, 'd');
    event.received_at = absl::FromUnixSeconds(1645524276);
    event.event = "an event";
    event.raw_body = body;
    seeds.push_back(EncodeEvent(event).SerializeAsString());
    NewRejectedCallback callback;
    callback.source = "default";
    callback.received_at = event.received_at;
    callback.reason = v1::RejectedCallback::REASON_MALFORMED;
    callback.detail = "no JSON";
    callback.content_type = "text/plain";
    callback.raw_body = body;
    seeds.push_back(EncodeRejected(callback));
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // as the gateway has it
  const absl::string_view bytes = onhook::BytesOf(data, size);
  onhook::CheckEvent(bytes);
  onhook::CheckRejected(bytes);
  onhook::CheckChanges(bytes);
  onhook::CheckToken(bytes);
  return 0;
}
