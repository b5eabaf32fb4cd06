#include "gateway/store/jetstream/event_message.h"

#include <xxhash.h>

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/sha256.h"

namespace onhook {
namespace {

constexpr size_t kIdentityBytes = 16;

// Not of a faster hash: a sender chooses its callSerialNo, and two events of one identity would be
// one event.
std::string Identity(absl::string_view source, absl::string_view call_serial_no,
                     absl::string_view digest) {
  const std::string sum = Sha256(
      absl::StrCat(source.size(), ":", source, call_serial_no.size(), ":", call_serial_no, digest));
  return absl::BytesToHexString(absl::string_view(sum).substr(0, kIdentityBytes));
}

uint64_t Checksum(absl::string_view text) { return XXH3_64bits(text.data(), text.size()); }

LogEventPtr Decoded(absl::Time received_at, std::string event, bool fits, Sequence sequence,
                    absl::Time stored_at) {
  auto decoded = std::make_shared<LogEvent>();
  decoded->sequence = sequence;
  decoded->received_at = received_at;
  decoded->stored_at = stored_at;
  decoded->corrupt = !fits;
  if (fits) decoded->event = std::move(event);
  return decoded;
}

bool Fits(const jetstream::StoredEvent& stored) {
  return !stored.event().empty() && Checksum(stored.event()) == stored.checksum();
}

}  // namespace

std::string IdentityOf(const NewEvent& event) {
  return Identity(event.source, event.call_serial_no, event.digest);
}

std::string IdentityOf(const jetstream::StoredEvent& stored) {
  return Identity(stored.source(), stored.call_serial_no(), stored.digest());
}

jetstream::StoredEvent EncodeEvent(const NewEvent& event) {
  jetstream::StoredEvent stored;
  stored.set_source(event.source);
  stored.set_call_serial_no(event.call_serial_no);
  stored.set_digest(event.digest);
  stored.set_received_at_us(absl::ToUnixMicros(event.received_at));
  stored.set_event(event.event);
  stored.set_checksum(Checksum(event.event));
  if (!event.raw_body.empty()) {
    stored.set_raw_body(event.raw_body);
    stored.set_raw_body_checksum(Checksum(event.raw_body));
  }
  return stored;
}

LogEventPtr DecodeEvent(absl::string_view data, Sequence sequence, absl::Time stored_at) {
  jetstream::StoredEvent stored;
  if (!stored.ParseFromArray(data.data(), static_cast<int>(data.size()))) {
    return Decoded(stored_at, "", /*fits=*/false, sequence, stored_at);
  }
  return DecodeEvent(std::move(stored), sequence, stored_at);
}

LogEventPtr DecodeEvent(jetstream::StoredEvent stored, Sequence sequence, absl::Time stored_at) {
  const bool fits = Fits(stored);
  return Decoded(absl::FromUnixMicros(stored.received_at_us()), std::move(*stored.mutable_event()),
                 fits, sequence, stored_at);
}

absl::StatusOr<std::optional<std::string>> RawBodyOf(const jetstream::StoredEvent& stored) {
  if (stored.raw_body().empty()) return std::nullopt;
  if (Checksum(stored.raw_body()) != stored.raw_body_checksum()) {
    return absl::DataLossError("the body does not fit its checksum");
  }
  return stored.raw_body();
}

}  // namespace onhook
