// A callback's body, above all as JSON: what was read can be written as JSON and is read the same;
// and its event holds every word.
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/json_callback.h"
#include "tests/fuzz/body_invariants.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

constexpr absl::string_view kWhiteSpace = " \t\r\n";

std::string AsJson(const VendorFields& fields) {
  std::string json = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) json.push_back(',');
    AppendJsonString(fields[i].name, json);
    json.push_back(':');
    if (fields[i].value.has_value()) {
      AppendJsonString(*fields[i].value, json);
    } else {
      json.append("null");
    }
  }
  return json + "}";
}

// Whatever the rest of the body is taken for, this parser alone must bear it.
void ParseAsJson(absl::string_view body) {
  const size_t brace = body.find_first_not_of(kWhiteSpace);
  if (brace == body.npos || body[brace] != '{' || !IsValidUtf8(body)) return;
  const absl::StatusOr<VendorFields> fields = ParseJsonCallback(body, brace);
  if (!fields.ok()) {
    FUZZ_CHECK(fields.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  const absl::StatusOr<VendorFields> same = ParseCallback(body);
  FUZZ_CHECK(same.ok());
  CheckSame(*fields, *same);
}

void RunOne(absl::string_view body) {
  ParseAsJson(body);
  const absl::StatusOr<VendorFields> fields = ParseCallback(body);
  if (!fields.ok()) {
    FUZZ_CHECK(fields.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(IsValidUtf8(fields.status().message()));
    return;
  }
  CheckFields(*fields);
  const absl::StatusOr<VendorFields> again = ParseCallback(AsJson(*fields));
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
