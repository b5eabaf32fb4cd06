#ifndef ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook::cli {

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

  // The body as a JSON object of texts. `serial` becomes callSerialNo unless that was given.
  std::string Body(uint64_t serial, absl::Time now) const;

 private:
  std::vector<std::pair<std::string, std::string>> given_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_BODY_H_
