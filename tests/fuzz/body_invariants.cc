#include "tests/fuzz/body_invariants.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/event/documented_fields.h"
#include "gateway/event/event_identity.h"
#include "gateway/event/release_event_mapper.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/event_words.h"

namespace onhook {
namespace {

constexpr absl::string_view kSource = "source";
constexpr size_t kMaxFields = 256;

// `fields`, and a value for each mandatory field that has none, or too long a one.
VendorFields WithMandatoryFields(const VendorFields& fields) {
  VendorFields whole;
  for (size_t i = 0; i < fields.size(); ++i) {
    VendorFields::Value value = fields[i].value;
    const DocumentedField* field = FindDocumentedField(fields[i].name);
    if (field != nullptr && field->mandatory && value.value_or("").empty()) value = "mended";
    if (fields[i].name == "callSerialNo") value = FirstCodePoints(*value, 50);
    whole.Add(fields[i].name, value);
  }
  for (const DocumentedField& field : DocumentedFields()) {
    if (field.mandatory) whole.Add(field.name, "added");
  }
  return whole;
}

// Zones with and without clocks that are set back.
MappingOptions OptionsFor(const VendorFields& fields) {
  static constexpr const char* kZones[] = {"UTC", "Europe/Berlin", "Asia/Shanghai",
                                           "Australia/Lord_Howe"};
  MappingOptions options;
  options.source = kSource;
  options.time_zone_name = kZones[fields.size() % std::size(kZones)];
  FUZZ_CHECK(absl::LoadTimeZone(std::string(options.time_zone_name), &options.time_zone));
  options.received_at = absl::FromUnixSeconds(1'645'524'163);
  return options;
}

VendorFields Backwards(const VendorFields& fields) {
  VendorFields backwards;
  for (size_t i = fields.size(); i > 0; --i) {
    backwards.Add(fields[i - 1].name, fields[i - 1].value);
  }
  return backwards;
}

VendorFields WithOtherWord(const VendorFields& fields, size_t index) {
  VendorFields other;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string longer = absl::StrCat(fields[i].value.value_or(""), "x");
    other.Add(fields[i].name, i == index ? VendorFields::Value(longer) : fields[i].value);
  }
  return other;
}

void CheckDigest(const VendorFields& fields, const std::string& digest) {
  FUZZ_CHECK(digest.size() == kEventDigestSize);
  FUZZ_CHECK(EventDigest(kSource, fields) == digest);
  FUZZ_CHECK(EventDigest(kSource, Backwards(fields)) == digest);
  FUZZ_CHECK(EventDigest("other", fields) != digest);
  // One field an input, or a body of many would take all the time there is.
  const size_t index = static_cast<unsigned char>(digest[0]) % fields.size();
  const bool counts = !IsSignatureField(fields[index].name);
  FUZZ_CHECK((EventDigest(kSource, WithOtherWord(fields, index)) != digest) == counts);
}

}  // namespace

void CheckFields(const VendorFields& fields) {
  FUZZ_CHECK(fields.size() <= kMaxFields);
  for (size_t i = 0; i < fields.size(); ++i) {
    FUZZ_CHECK(IsValidUtf8(fields[i].name));
    FUZZ_CHECK(!fields[i].value.has_value() || IsValidUtf8(*fields[i].value));
    FUZZ_CHECK(fields.Has(fields[i].name));
    FUZZ_CHECK(fields.Find(fields[i].name) == fields[i].value);
    for (size_t j = 0; j < i; ++j) FUZZ_CHECK(fields[j].name != fields[i].name);
  }
}

void CheckSame(const VendorFields& a, const VendorFields& b) {
  FUZZ_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    FUZZ_CHECK(a[i].name == b[i].name);
    FUZZ_CHECK(a[i].value == b[i].value);
  }
}

void CheckEvent(const VendorFields& fields) {
  const VendorFields whole = WithMandatoryFields(fields);
  const MappingOptions options = OptionsFor(whole);
  v1::ReleaseEvent event;
  const absl::StatusOr<std::string> digest = MapReleaseEvent(whole, options, event);
  FUZZ_CHECK(digest.ok());
  v1::ReleaseEvent received;
  FUZZ_CHECK(received.ParseFromString(event.SerializeAsString()));
  FUZZ_CHECK(WordsOf(received) == NonNullWords(whole));
  FUZZ_CHECK(absl::StartsWith(received.event_id(), "v1-"));
  CheckDigest(whole, *digest);
  // As it came, which is mostly refused: never half a message.
  v1::ReleaseEvent as_sent;
  if (!MapReleaseEvent(fields, options, as_sent).ok()) FUZZ_CHECK(as_sent.ByteSizeLong() == 0);
}

}  // namespace onhook
