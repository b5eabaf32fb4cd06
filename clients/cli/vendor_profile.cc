#include "clients/cli/vendor_profile.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "clients/cli/vendor_signature.h"

namespace onhook::cli {
namespace {

using Input = VendorProfile::Input;
using Bodies = std::vector<std::string>;

constexpr absl::Duration kStaleAge = absl::Hours(1);
constexpr absl::string_view kUnicodeCallData =
    "订单 42, café, \U00010400, 😀👩‍👩‍👧 \"quoted\" \\ / \t, {\"a\"=1}";

// Adds a nonce and the time, unless --field gave them, and what they and all else sign. Nothing
// without a key.
void SignFields(Input& input, absl::Duration age = absl::ZeroDuration()) {
  if (input.key.empty()) return;
  if (FindValue(input.fields, "nonce") == nullptr) {
    // Spread over all 64 bits, as the vendor's are, and never the same for two serials.
    const uint64_t spread = input.serial * 0x9E3779B97F4A7C15U;
    SetValue("nonce", absl::StrCat(static_cast<int64_t>(spread)), input.fields);
  }
  if (FindValue(input.fields, "timestamp") == nullptr) {
    SetValue("timestamp", absl::StrCat(absl::ToUnixMillis(input.now - age)), input.fields);
  }
  SetValue("signature", SignatureOf(input.key, input.fields), input.fields);
}

// Other content in the same call.
void AlterContent(BodyFields& fields) {
  const std::string* const called = FindValue(fields, "called");
  SetValue("called", absl::StrCat(called == nullptr ? "" : *called, "9"), fields);
}

Bodies Json(Input input) {
  SignFields(input);
  return {JsonBody(input.fields)};
}

Bodies JavaMap(Input input) {
  SignFields(input);
  return {JavaMapBody(input.fields)};
}

Bodies Unsigned(Input input) { return {JsonBody(input.fields)}; }

Bodies Unicode(Input input) {
  SetValue("callData", kUnicodeCallData, input.fields);
  return Json(std::move(input));
}

Bodies Duplicate(Input input) {
  const Bodies once = Json(std::move(input));
  return {once[0], once[0]};
}

Bodies Malformed(Input input) {
  std::string body = Json(std::move(input))[0];
  body.resize(body.size() / 2);
  return {body};
}

Bodies DuplicateKey(Input input) {
  SignFields(input);
  const std::string* const called = FindValue(input.fields, "called");
  input.fields.push_back({"called", called == nullptr ? "" : *called});
  return {JsonBody(input.fields)};
}

Bodies DroppedNulls(Input input) {
  SignFields(input);
  SetValue("signature", SignatureOf(input.key, WithAbsentAsNull(input.fields)), input.fields);
  return {JsonBody(input.fields)};
}

Bodies Stale(Input input) {
  SignFields(input, kStaleAge);
  return {JsonBody(input.fields)};
}

Bodies Forged(Input input) {
  SignFields(input);
  AlterContent(input.fields);
  return {JsonBody(input.fields)};
}

Bodies Replayed(Input input) {
  SignFields(input);
  const std::string first = JsonBody(input.fields);
  AlterContent(input.fields);
  SignFields(input);  // with the nonce and the timestamp of the first
  return {first, JsonBody(input.fields)};
}

Bodies Unsignable(Input input) {
  SetValue("locationId=0,recordfile", "x", input.fields);
  return Json(std::move(input));
}

}  // namespace

const std::vector<VendorProfile>& VendorProfiles() {
  static const auto* const kProfiles = new std::vector<VendorProfile>{
      {"json", "A made-up call as JSON, signed if there is a key. Success.", false, 1, Json},
      {"javamap", "The same in Java's map form, as the vendor's page prints it. Success.", false, 1,
       JavaMap},
      {"signed", "As json, but --key-file is needed. Success where that key is live.", true, 1,
       Json},
      {"duplicate", "The same callback twice. Success twice, and one event.", false, 2, Duplicate},
      {"unicode", "callData with Chinese, emoji, quotes, a tab. Success, and the event has\nit so.",
       false, 1, Unicode},
      {"dropped-nulls",
       "Signed as if the fields that are left out were sent as null, which some\nsenders do. "
       "Success.",
       true, 1, DroppedNulls},
      {"stale", "Signed an hour ago. 401 under a replay_window below that; success with 0.", true,
       1, Stale},
      {"forged", "A field is altered after signing. 401 under shared_key.", true, 1, Forged},
      {"replayed",
       "Signed with the nonce and timestamp of a callback before it, with other\ncontent. Success "
       "for that one, then 403 under shared_key.",
       true, 2, Replayed},
      {"no-signature", "Not signed, with a key or without. 401 under shared_key.", false, 1,
       Unsigned},
      {"unsignable", "A field's name pretends to be two. 401 under shared_key, else success.",
       false, 1, Unsignable},
      {"duplicate-key", "A field stands there twice. 400.", false, 1, DuplicateKey},
      {"malformed", "JSON that is cut off in the middle. 400.", false, 1, Malformed},
  };
  return *kProfiles;
}

const VendorProfile& FindVendorProfile(absl::string_view name) {
  const std::vector<VendorProfile>& all = VendorProfiles();
  const auto found = std::find_if(all.begin(), all.end(), [name](const VendorProfile& profile) {
    return profile.name == name;
  });
  return found == all.end() ? all.front() : *found;
}

std::string VendorProfilesHelp() {
  std::string help;
  for (const VendorProfile& profile : VendorProfiles()) {
    absl::string_view label = profile.name;
    for (const absl::string_view line : absl::StrSplit(profile.help, '\n')) {
      absl::StrAppendFormat(&help, "  %-14s %s\n", label, line);
      label = "";
    }
  }
  return help;
}

}  // namespace onhook::cli
