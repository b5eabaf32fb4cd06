#include "gateway/delivery/spec_update.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/delivery/grpc_status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/field_mask_util.h"

namespace onhook {
namespace {

using google::protobuf::util::FieldMaskUtil;

// Whether `path` leads to a value of SubscriptionSpec: not into a Duration, half of which means
// nothing.
bool NamesAValue(absl::string_view path) {
  const google::protobuf::Descriptor* message = v1::SubscriptionSpec::descriptor();
  const std::string package = message->file()->package();
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    if (message == nullptr || message->file()->package() != package) return false;
    const google::protobuf::FieldDescriptor* field = message->FindFieldByName(std::string(name));
    if (field == nullptr) return false;
    message = field->message_type();
  }
  return true;
}

// Members of one `oneof` are one thing to a client: naming either replaces whatever is set.
void ClearDeliveryAttempts(const google::protobuf::FieldMask& mask, v1::SubscriptionSpec& spec) {
  for (const std::string& path : mask.paths()) {
    if (path == "max_delivery_attempts" || path == "unlimited_delivery_attempts") {
      spec.clear_delivery_attempts();
    }
  }
}

}  // namespace

absl::StatusOr<v1::SubscriptionSpec> UpdatedSpec(const v1::SubscriptionSpec& stored,
                                                 const v1::UpdateSubscriptionRequest& request) {
  const google::protobuf::FieldMask& mask = request.update_mask();
  if (mask.paths().empty()) return InvalidField("update_mask", "names nothing to change");
  for (const std::string& path : mask.paths()) {
    if (!NamesAValue(path)) {
      return InvalidField("update_mask", "names a path that is no value of SubscriptionSpec");
    }
    if (path == "start_position") {
      return InvalidField("update_mask", "start_position cannot be changed; use Seek");
    }
  }
  v1::SubscriptionSpec updated = stored;
  ClearDeliveryAttempts(mask, updated);
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(request.spec(), mask, options, &updated);
  if (const auto fault = FindSpecFault(updated)) {
    return InvalidField(absl::StrCat("spec.", fault->field), fault->description);
  }
  return updated;
}

}  // namespace onhook
