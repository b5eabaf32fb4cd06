#include "gateway/event/documented_fields.h"

#include "absl/container/flat_hash_map.h"

namespace onhook {
namespace {

using Event = v1::ReleaseEvent;

constexpr DocumentedField Text(absl::string_view name, std::string* (Event::*home)(),
                               bool mandatory = false) {
  return {name, mandatory, home, nullptr, nullptr};
}
constexpr DocumentedField Time(absl::string_view name,
                               google::protobuf::Timestamp* (Event::*home)()) {
  return {name, false, nullptr, home, nullptr};
}
constexpr DocumentedField Duration(absl::string_view name,
                                   google::protobuf::Duration* (Event::*home)()) {
  return {name, false, nullptr, nullptr, home};
}

constexpr bool kMandatory = true;

constexpr DocumentedField kFields[] = {
    Text("callSerialNo", &Event::mutable_call_serial_no, kMandatory),
    // Mandatory on the vendor's page, null or absent in the vendor's samples.
    Text("serviceNo", &Event::mutable_service_no),
    Text("called", &Event::mutable_called, kMandatory),
    Text("caller", &Event::mutable_caller),
    Text("callerPresent", &Event::mutable_caller_present),
    Text("callData", &Event::mutable_call_data),
    Time("createCallTime", &Event::mutable_create_call_time),
    Time("alertingTime", &Event::mutable_alerting_time),
    Time("talkingTime", &Event::mutable_talking_time),
    Time("releaseTime", &Event::mutable_release_time),
    Duration("talkDuration", &Event::mutable_talk_duration),
    Text("recordfile", &Event::mutable_recordfile),
    Text("locationId", &Event::mutable_location_id),
    Text("releaseReason", &Event::mutable_release_reason_code),
    Time("agentAlertingTime", &Event::mutable_agent_alerting_time),
    Time("agentTalkingTime", &Event::mutable_agent_talking_time),
    Time("agentReleaseTime", &Event::mutable_agent_release_time),
    Duration("agentTalkDuration", &Event::mutable_agent_talk_duration),
};

using Index = absl::flat_hash_map<absl::string_view, const DocumentedField*>;

const Index& FieldIndex() {
  static const Index* const index = [] {
    auto* built = new Index;
    for (const DocumentedField& field : kFields) built->emplace(field.name, &field);
    return built;
  }();
  return *index;
}

}  // namespace

absl::Span<const DocumentedField> DocumentedFields() { return kFields; }

const DocumentedField* FindDocumentedField(absl::string_view name) {
  const auto found = FieldIndex().find(name);
  return found == FieldIndex().end() ? nullptr : found->second;
}

bool IsSignatureField(absl::string_view name) {
  return name == "nonce" || name == "timestamp" || name == "signature";
}

}  // namespace onhook
