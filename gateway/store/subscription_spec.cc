#include "gateway/store/subscription_spec.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"

namespace onhook {
namespace {

using google::protobuf::FieldDescriptor;

constexpr int64_t kDefaultMaxUnackedEvents = 100000;
constexpr size_t kMaxNameLength = 63;

bool IsNameCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
}

v1::SubscriptionSpec WithDefaults(v1::SubscriptionSpec spec) {
  if (spec.start_position() == v1::START_POSITION_UNSPECIFIED) {
    spec.set_start_position(v1::START_POSITION_EARLIEST);
  }
  spec.set_max_unacked_events(MaxUnackedEvents(spec));
  return spec;
}

}  // namespace

absl::Status CheckSubscriptionName(absl::string_view name) {
  bool valid = !name.empty() && name.size() <= kMaxNameLength &&
               (absl::ascii_islower(name[0]) || absl::ascii_isdigit(name[0]));
  for (const char c : name) valid = valid && IsNameCharacter(c);
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the name of a subscription is 1 to 63 characters of a-z 0-9 - _ . and begins with a letter "
      "or digit");
}

absl::Status CheckSubscriptionSpec(const v1::SubscriptionSpec& spec) {
  if (spec.has_max_delivery_attempts() && spec.max_delivery_attempts() < 1) {
    return absl::InvalidArgumentError("spec.max_delivery_attempts must be at least 1");
  }
  std::vector<const FieldDescriptor*> set;
  spec.GetReflection()->ListFields(spec, &set);
  for (const FieldDescriptor* field : set) {
    const bool honoured = field->number() == v1::SubscriptionSpec::kStartPositionFieldNumber ||
                          field->number() == v1::SubscriptionSpec::kMaxUnackedEventsFieldNumber;
    if (!honoured) {
      return absl::UnimplementedError(
          absl::StrCat("this version does not support spec.", field->name()));
    }
  }
  if (!v1::StartPosition_IsValid(spec.start_position())) {
    return absl::InvalidArgumentError("spec.start_position is not a known position");
  }
  if (spec.has_max_unacked_events() && spec.max_unacked_events() < 1) {
    return absl::InvalidArgumentError("spec.max_unacked_events must be at least 1");
  }
  return absl::OkStatus();
}

bool SameSubscriptionSpec(const v1::SubscriptionSpec& a, const v1::SubscriptionSpec& b) {
  return google::protobuf::util::MessageDifferencer::Equals(WithDefaults(a), WithDefaults(b));
}

int64_t MaxUnackedEvents(const v1::SubscriptionSpec& spec) {
  return spec.has_max_unacked_events() ? spec.max_unacked_events() : kDefaultMaxUnackedEvents;
}

}  // namespace onhook
