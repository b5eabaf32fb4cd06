#include "clients/cli/vendor_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace onhook::cli {
namespace {

constexpr absl::string_view kUnsigned[] = {"timestamp", "nonce", "signature"};

constexpr absl::string_view kDocumented[] = {
    "callSerialNo",     "serviceNo",        "called",
    "caller",           "callerPresent",    "callData",
    "createCallTime",   "alertingTime",     "talkingTime",
    "releaseTime",      "talkDuration",     "recordfile",
    "locationId",       "releaseReason",    "agentAlertingTime",
    "agentTalkingTime", "agentReleaseTime", "agentTalkDuration"};

// `text`, UTF-8, in the code units that Java compares. A byte that belongs to no character stands
// for itself.
std::u16string Utf16(absl::string_view text) {
  std::u16string units;
  while (!text.empty()) {
    const auto lead = static_cast<uint8_t>(text[0]);
    const size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = length == 1 ? lead : lead & (0x7FU >> length);
    for (const char next : text.substr(1, length - 1)) {
      c = c << 6 | (static_cast<uint8_t>(next) & 0x3FU);
    }
    text.remove_prefix(std::min(length, text.size()));
    if (c < 0x10000) {
      units.push_back(static_cast<char16_t>(c));
    } else {
      units.push_back(static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10 & 0x3FFU)));
      units.push_back(static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FFU)));
    }
  }
  return units;
}

}  // namespace

std::string CanonicalText(const BodyFields& fields) {
  BodyFields sorted;
  for (const BodyField& field : fields) {
    if (std::find(std::begin(kUnsigned), std::end(kUnsigned), field.name) == std::end(kUnsigned)) {
      sorted.push_back(field);
    }
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const BodyField& a, const BodyField& b) { return Utf16(a.name) < Utf16(b.name); });
  std::string text;
  for (const BodyField& field : sorted) {
    absl::StrAppend(&text, text.empty() ? "" : ",", field.name, "=", field.value.value_or("null"));
  }
  return absl::StrReplaceAll(text, {{" ", ""}});
}

std::string SignatureOf(absl::string_view key, const BodyFields& fields) {
  const std::string* const timestamp = FindValue(fields, "timestamp");
  const std::string* const nonce = FindValue(fields, "nonce");
  const std::string message =
      absl::StrCat(key, "_", timestamp == nullptr ? "" : *timestamp, "_",
                   nonce == nullptr ? "" : *nonce, "_", CanonicalText(fields));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest, &size);
  return absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

BodyFields WithAbsentAsNull(BodyFields fields) {
  for (const absl::string_view name : kDocumented) {
    const bool there = std::any_of(fields.begin(), fields.end(),
                                   [name](const BodyField& field) { return field.name == name; });
    if (!there) fields.push_back({std::string(name), std::nullopt});
  }
  return fields;
}

}  // namespace onhook::cli
