#ifndef ONHOOK_TESTS_SUPPORT_EVENT_WORDS_H_
#define ONHOOK_TESTS_SUPPORT_EVENT_WORDS_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "gateway/event/documented_fields.h"
#include "gateway/event/vendor_fields.h"
#include "gateway/event/vendor_time.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// Names and texts without an order: what an event keeps of a callback.
using EventWords = std::map<std::string, std::string>;

// The vendor's words, from an event that came over the wire and nothing else. The words of an
// event whose zone nobody knows are none. `event` is a copy: the table's pointers make fields
// present, so presence is asked by reflection first.
inline EventWords WordsOf(v1::ReleaseEvent event) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(event.time_zone(), &zone)) return {};
  EventWords words(event.extra().begin(), event.extra().end());
  const auto& descriptor = *v1::ReleaseEvent::descriptor();
  constexpr int kFirstVendorField = 4;  // call_serial_no; the page's order has one number each, but
  constexpr int kReasonEnum = 17;       // for the meaning of releaseReason, which is no vendor word
  int number = kFirstVendorField;
  for (const DocumentedField& field : DocumentedFields()) {
    if (number == kReasonEnum) ++number;
    const auto* proto_field = descriptor.FindFieldByNumber(number++);
    if (!event.GetReflection()->HasField(event, proto_field)) continue;
    std::string& word = words[std::string(field.name)];
    if (field.text != nullptr) word = *(event.*field.text)();
    if (field.time != nullptr) {
      const auto& timestamp = *(event.*field.time)();
      word = FormatVendorTime(
          absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos()), zone);
    }
    if (field.duration != nullptr) {
      word = FormatVendorDuration(absl::Seconds((event.*field.duration)()->seconds()));
    }
  }
  return words;
}

// The words that an event must keep: all that are not null, the signature's fields apart.
inline EventWords NonNullWords(const VendorFields& fields) {
  EventWords words;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].value.has_value() || IsSignatureField(fields[i].name)) continue;
    words[std::string(fields[i].name)] = std::string(*fields[i].value);
  }
  return words;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_EVENT_WORDS_H_
