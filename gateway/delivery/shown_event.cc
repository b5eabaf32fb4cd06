#include "gateway/delivery/shown_event.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "gateway/event/masking.h"

namespace onhook {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void HideNumbers(v1::ReleaseEvent& event) {
  event = MaskedCopy(event);
  event.DiscardUnknownFields();
  event.set_masked(true);
}

std::string BytesWithoutNumbers(const std::string& event) {
  v1::ReleaseEvent parsed;
  if (!parsed.ParseFromString(event)) return "";
  HideNumbers(parsed);
  return parsed.SerializeAsString();
}

void HideNumbersIn(Message& message) {
  if (message.GetDescriptor() == v1::ReleaseEvent::descriptor()) {
    return HideNumbers(static_cast<v1::ReleaseEvent&>(message));
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->type() == FieldDescriptor::TYPE_BYTES) reflection.ClearField(&message, field);
    if (field->type() != FieldDescriptor::TYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      HideNumbersIn(*reflection.MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      HideNumbersIn(*reflection.MutableRepeatedMessage(&message, field, i));
    }
  }
}

}  // namespace onhook
