#ifndef ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook::cli {

// A callback's field. Nothing: null, which is not the same as an empty text.
struct BodyField {
  std::string name;
  std::optional<std::string> value;
};

// The fields of a callback, in the order in which they are sent.
using BodyFields = std::vector<BodyField>;

// The value of a field that is there and not null; else nothing.
const std::string* FindValue(const BodyFields& fields, absl::string_view name);

// Gives a field a value; it is added if there is none of that name.
void SetValue(absl::string_view name, absl::string_view value, BodyFields& fields);

// The body as a JSON object of texts and nulls.
std::string JsonBody(const BodyFields& fields);

// The body as Java's Map.toString prints it, with a line for each field, as the vendor's page has
// it. The form escapes nothing.
std::string JavaMapBody(const BodyFields& fields);

// A sample of the vendor's body, byte for byte as under tests/golden: "javamap" or "json".
// kNotFound: no such sample.
absl::StatusOr<std::string> VendorSample(absl::string_view name);

// A callback made of fields: a plausible call that ended `now` and, on top, the given fields, each
// "name=value"; a value may hold `=`. A new field is added, a known one replaced, and "name=" makes
// it an empty text.
class MadeUpCallback {
 public:
  // kInvalidArgument: a field without `=` or without a name.
  static absl::StatusOr<MadeUpCallback> From(const std::vector<std::string>& fields);

  // `serial` becomes callSerialNo unless that was given.
  BodyFields Fields(uint64_t serial, absl::Time now) const;

 private:
  BodyFields given_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_
