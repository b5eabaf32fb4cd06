#include "gateway/event/documented_fields.h"

#include <array>
#include <cstdint>
#include <iterator>

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

// An index of kFields made by the compiler: each callback looks some twenty names up.
constexpr size_t kSlots = 64;
constexpr int8_t kFree = -1;
static_assert(std::size(kFields) < kSlots, "a search ends at a free slot");

// Where the search for a name begins. What it looks at tells nearly all of the vendor's apart.
constexpr size_t FirstSlot(absl::string_view name) {
  if (name.empty()) return 0;
  const auto first = static_cast<unsigned char>(name[0]);
  const auto last = static_cast<unsigned char>(name[name.size() - 1]);
  return (5 * name.size() + first + 3 * last) % kSlots;
}

constexpr std::array<int8_t, kSlots> MakeIndex() {
  std::array<int8_t, kSlots> index{};
  for (int8_t& each : index) each = kFree;
  for (size_t i = 0; i < std::size(kFields); ++i) {
    size_t slot = FirstSlot(kFields[i].name);
    while (index[slot] != kFree) slot = (slot + 1) % kSlots;
    index[slot] = static_cast<int8_t>(i);
  }
  return index;
}

constexpr std::array<int8_t, kSlots> kIndex = MakeIndex();

}  // namespace

absl::Span<const DocumentedField> DocumentedFields() { return kFields; }

const DocumentedField* FindDocumentedField(absl::string_view name) {
  for (size_t slot = FirstSlot(name); kIndex[slot] != kFree; slot = (slot + 1) % kSlots) {
    const DocumentedField& field = kFields[kIndex[slot]];
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool IsSignatureField(absl::string_view name) {
  return name == "nonce" || name == "timestamp" || name == "signature";
}

}  // namespace onhook
