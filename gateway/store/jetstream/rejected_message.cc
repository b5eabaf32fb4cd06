#include "gateway/store/jetstream/rejected_message.h"

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/event/sha256.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "onhook/v1/rejected_callback_service.pb.h"

namespace onhook {
namespace {

constexpr size_t kHashBytes = 16;

// PREFIX.rejected.SOURCE.HASH, where the prefix may have dots of its own.
std::string SourceOfSubject(absl::string_view subject) {
  const std::vector<absl::string_view> tokens = absl::StrSplit(subject, '.');
  return tokens.size() < 2 ? std::string() : std::string(tokens[tokens.size() - 2]);
}

}  // namespace

std::string RejectedHash(const NewRejectedCallback& callback) {
  const std::string sum = Sha256(absl::StrCat(callback.reason, ":", callback.raw_body));
  return absl::BytesToHexString(absl::string_view(sum).substr(0, kHashBytes));
}

std::string EncodeRejected(const NewRejectedCallback& callback) {
  jetstream::StoredRejectedCallback stored;
  stored.set_source(callback.source);
  stored.set_received_at_us(absl::ToUnixMicros(callback.received_at));
  stored.set_reason(callback.reason);
  stored.set_detail(callback.detail);
  stored.set_content_type(callback.content_type);
  stored.set_raw_body(callback.raw_body);
  stored.set_checksum(XXH3_64bits(callback.raw_body.data(), callback.raw_body.size()));
  return stored.SerializeAsString();
}

absl::StatusOr<NewRejectedCallback> DecodeRejected(absl::string_view data) {
  jetstream::StoredRejectedCallback stored;
  if (!stored.ParseFromArray(data.data(), static_cast<int>(data.size()))) {
    return absl::DataLossError("the rejected callback is stored but cannot be read");
  }
  const std::string& body = stored.raw_body();
  if (stored.checksum() != XXH3_64bits(body.data(), body.size())) {
    return absl::DataLossError(
        "the rejected callback is stored but its bytes do not fit their checksum");
  }
  NewRejectedCallback callback;
  callback.source = stored.source();
  callback.received_at = absl::FromUnixMicros(stored.received_at_us());
  callback.reason = static_cast<v1::RejectedCallback::Reason>(stored.reason());
  callback.detail = stored.detail();
  callback.content_type = stored.content_type();
  callback.raw_body = std::move(*stored.mutable_raw_body());
  return callback;
}

RejectedCallback DescribeRejected(const StreamMessage& message) {
  RejectedCallback described;
  described.id = message.sequence;
  absl::StatusOr<NewRejectedCallback> decoded = DecodeRejected(message.data);
  if (decoded.ok()) {
    described.callback = *std::move(decoded);
    described.body_bytes = static_cast<int64_t>(described.callback.raw_body.size());
    described.callback.raw_body = std::string();
    return described;
  }
  described.callback.source = SourceOfSubject(message.subject);
  described.callback.received_at = message.stored_at;
  described.body_bytes = static_cast<int64_t>(message.data.size());
  return described;
}

}  // namespace onhook
