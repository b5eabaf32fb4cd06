// A callback's body as a Java map, also where it looks like JSON: what was read can be written as
// a map and is read the same; and its event holds every word.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/java_map_callback.h"
#include "tests/fuzz/body_invariants.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

constexpr absl::string_view kWhiteSpace = " \t\r\n";

// A pair a line, with a comma before the line's end: so blanks behind a value stay the value's.
std::string AsJavaMap(const VendorFields& fields) {
  std::string map = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    absl::StrAppend(&map, i > 0 ? ",\n" : "", fields[i].name, "=",
                    fields[i].value.value_or("null"));
  }
  return map + "}";
}

// No byte of a body is dropped but of white space, commas, and the first and the last brace.
void CheckNothingIsLost(absl::string_view body, size_t brace, const VendorFields& fields) {
  const auto weight = [](absl::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char byte) {
      return byte != ',' && kWhiteSpace.find(byte) == kWhiteSpace.npos;
    });
  };
  auto kept = weight("{}");
  for (size_t i = 0; i < fields.size(); ++i) {
    kept += weight(fields[i].name) + weight("=") + weight(fields[i].value.value_or("null"));
  }
  FUZZ_CHECK(kept == weight(body.substr(brace)));
}

void RunOne(absl::string_view body) {
  const size_t brace = body.find_first_not_of(kWhiteSpace);
  if (brace == body.npos || body[brace] != '{' || !IsValidUtf8(body)) return;
  const absl::StatusOr<VendorFields> fields = ParseJavaMapCallback(body, brace);
  if (!fields.ok()) {
    FUZZ_CHECK(fields.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(IsValidUtf8(fields.status().message()));
    return;
  }
  const absl::StatusOr<VendorFields> same = ParseCallback(body);
  FUZZ_CHECK(same.ok());
  CheckSame(*fields, *same);
  CheckFields(*fields);
  CheckNothingIsLost(body, brace, *fields);
  const absl::StatusOr<VendorFields> again = ParseCallback(AsJavaMap(*fields));
  FUZZ_CHECK(again.ok());
  CheckSame(*fields, *again);
  CheckEvent(*fields);
}

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& bodies) { return bodies; }

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
