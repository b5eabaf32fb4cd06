#include "gateway/event/release_event_mapper.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/event/documented_fields.h"
#include "gateway/event/event_identity.h"
#include "gateway/event/traceparent.h"
#include "gateway/event/vendor_time.h"

namespace onhook {
namespace {

constexpr absl::string_view kCallSerialNo = "callSerialNo";
constexpr size_t kMaxCallSerialNoCodePoints = 50;

absl::Status CheckFields(const VendorFields& fields) {
  for (const DocumentedField& field : DocumentedFields()) {
    if (!field.mandatory) continue;
    const VendorFields::Value value = fields.Find(field.name);
    if (value.has_value() && !value->empty()) continue;
    const absl::string_view what = value.has_value()        ? "empty"
                                   : fields.Has(field.name) ? "null"
                                                            : "missing";
    return absl::InvalidArgumentError(absl::StrCat("mandatory field ", field.name, " is ", what));
  }
  if (CountCodePoints(*fields.Find(kCallSerialNo)) > kMaxCallSerialNoCodePoints) {
    return absl::InvalidArgumentError(absl::StrCat("field ", kCallSerialNo, " is longer than ",
                                                   kMaxCallSerialNoCodePoints, " characters"));
  }
  return absl::OkStatus();
}

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds towards the past
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(static_cast<int32_t>(absl::ToUnixMicros(time) - seconds * 1'000'000) * 1000);
}

v1::ReleaseReason ReasonOf(absl::string_view code) {
  if (code.size() != 1 || code[0] < '0' || code[0] > '5') return v1::RELEASE_REASON_OTHER;
  return static_cast<v1::ReleaseReason>(v1::RELEASE_REASON_CALLED_HUNG_UP + (code[0] - '0'));
}

// False: the field's type cannot give `value` back.
bool SetDocumentedField(const DocumentedField& field, absl::string_view value, absl::TimeZone zone,
                        v1::ReleaseEvent& event) {
  if (field.time != nullptr) {
    const absl::optional<absl::Time> time = ParseVendorTime(value, zone);
    if (!time.has_value()) return false;
    SetTimestamp(*time, (event.*field.time)());
  } else if (field.duration != nullptr) {
    const absl::optional<absl::Duration> duration = ParseVendorDuration(value);
    if (!duration.has_value()) return false;
    (event.*field.duration)()->set_seconds(absl::ToInt64Seconds(*duration));
  } else {
    (event.*field.text)()->assign(value.data(), value.size());
  }
  return true;
}

void SetVendorFields(const VendorFields& fields, absl::TimeZone zone, v1::ReleaseEvent& event) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const VendorFields::Field& field = fields[i];
    if (!field.value.has_value() || IsSignatureField(field.name)) continue;
    const DocumentedField* documented = FindDocumentedField(field.name);
    if (documented != nullptr && SetDocumentedField(*documented, *field.value, zone, event)) {
      continue;
    }
    (*event.mutable_extra())[std::string(field.name)].assign(field.value->data(),
                                                             field.value->size());
  }
  if (event.has_release_reason_code()) {
    event.set_release_reason(ReasonOf(event.release_reason_code()));
  }
}

}  // namespace

absl::StatusOr<std::string> MapReleaseEvent(const VendorFields& fields,
                                            const MappingOptions& options,
                                            v1::ReleaseEvent& event) {
  if (const absl::Status status = CheckFields(fields); !status.ok()) return status;
  std::string digest = EventDigest(options.source, fields);

  event.set_event_id(EventId(digest, *fields.Find(kCallSerialNo)));
  event.set_source(options.source.data(), options.source.size());
  event.set_authentication(options.authentication);
  SetVendorFields(fields, options.time_zone, event);
  event.set_time_zone(options.time_zone_name.data(), options.time_zone_name.size());
  SetTimestamp(options.received_at, event.mutable_received_at());
  if (std::string traceparent = ReadTraceparent(options.traceparent); !traceparent.empty()) {
    event.set_traceparent(std::move(traceparent));
  }
  return digest;
}

}  // namespace onhook
