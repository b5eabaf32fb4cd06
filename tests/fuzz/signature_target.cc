// The vendor's signature, against the same computed the plain way: what is signed verifies, and
// nothing else does.
//
// An input is lines: the key, then NAME=VALUE, or NAME alone for null.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gateway/base/text.h"
#include "gateway/event/documented_fields.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/signature.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

constexpr size_t kStride = 11;
constexpr absl::string_view kOtherKey = "another key, which nobody uses";

struct Input {
  std::string key;
  VendorFields fields;  // without a signature
};

// As the parser leaves it: UTF-8, and each name once.
Input ReadInput(absl::string_view bytes) {
  Input input;
  if (!IsValidUtf8(bytes)) return input;
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) {
    if (first) {
      input.key = std::string(line);
      first = false;
      continue;
    }
    const size_t equals = line.find('=');
    const absl::string_view name = line.substr(0, equals);
    if (name == "signature") continue;
    if (equals == line.npos) {
      input.fields.Add(name, absl::nullopt);
    } else {
      input.fields.Add(name, line.substr(equals + 1));
    }
  }
  return input;
}

// How Java's strings compare. `utf8` is valid.
std::u16string Utf16(absl::string_view utf8) {
  std::u16string text;
  for (size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code = size == 1 ? lead : lead & (0x7Fu >> size);
    for (size_t j = 1; j < size; ++j) code = code << 6 | (utf8[i + j] & 0x3Fu);
    if (code >= 0x10000) {
      text.push_back(static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10)));
      code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    text.push_back(static_cast<char16_t>(code));
    i += size;
  }
  return text;
}

std::string PlainCanonicalText(const VendorFields& fields, AbsentFields absent) {
  std::map<std::u16string, std::string> sorted;
  for (size_t i = 0; i < fields.size(); ++i) {
    const absl::string_view name = fields[i].name;
    if (name == "timestamp" || name == "nonce" || name == "signature") continue;
    sorted[Utf16(name)] = absl::StrCat(name, "=", fields[i].value.value_or("null"));
  }
  for (const DocumentedField& field : DocumentedFields()) {
    if (absent == AbsentFields::kLeftOut || fields.Has(field.name)) continue;
    sorted[Utf16(field.name)] = absl::StrCat(field.name, "=null");
  }
  const std::string text = absl::StrJoin(
      sorted, ",", [](std::string* out, const auto& each) { out->append(each.second); });
  return absl::StrReplaceAll(text, {{" ", ""}});
}

std::string PlainSignature(absl::string_view key, const VendorFields& fields, AbsentFields absent) {
  const std::string message =
      absl::StrCat(key, "_", fields.Find("timestamp").value_or(""), "_",
                   fields.Find("nonce").value_or(""), "_", PlainCanonicalText(fields, absent));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  FUZZ_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                  reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac,
                  &size) != nullptr);
  return absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(mac), size));
}

// `fields` with `signature`, and with more at the end of the value at `changed`.
VendorFields Signed(const VendorFields& fields, absl::string_view signature,
                    size_t changed = std::string::npos) {
  VendorFields result;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string longer = absl::StrCat(fields[i].value.value_or("null"), "x");
    result.Add(fields[i].name, i == changed ? VendorFields::Value(longer) : fields[i].value);
  }
  result.Add("signature", signature);
  return result;
}

bool Verifies(std::vector<absl::string_view> keys, const VendorFields& fields) {
  return VerifySignature(keys, fields);
}

void CheckForgeries(const Input& input, const std::string& signature) {
  const auto verifies = [&](absl::string_view forged) {
    return Verifies({input.key}, Signed(input.fields, forged));
  };
  // What is changed, and how, follows from the input: in time all of it is met, and no one input
  // takes long.
  const auto choice = static_cast<unsigned char>(signature[0]);
  for (size_t i = choice % kStride; i < signature.size(); i += kStride) {
    std::string forged = signature;
    const auto other = static_cast<unsigned char>(signature[(i + 1) % signature.size()]);
    forged[i] = static_cast<char>(forged[i] ^ (1 + other % 255));
    FUZZ_CHECK(!verifies(forged));
    FUZZ_CHECK(!verifies(signature.substr(0, i)));
  }
  for (const char* more : {"=", " ", "\n", "A"}) FUZZ_CHECK(!verifies(signature + more));
  FUZZ_CHECK(!verifies(" " + signature));
  FUZZ_CHECK(!Verifies({input.key}, input.fields));
  FUZZ_CHECK(!Verifies({}, Signed(input.fields, signature)));
  // Every field is covered: time and nonce too.
  for (size_t i = choice % kStride; i < input.fields.size(); i += kStride) {
    FUZZ_CHECK(!Verifies({input.key}, Signed(input.fields, signature, i)));
  }
}

bool HasPlainNames(const VendorFields& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    constexpr absl::string_view kSigns = "_.-";
    for (const char c : fields[i].name) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (!letter && !(c >= '0' && c <= '9') && kSigns.find(c) == kSigns.npos) return false;
    }
    if (fields[i].name.empty()) return false;
  }
  return true;
}

void RunOne(absl::string_view bytes) {
  const Input input = ReadInput(bytes);
  if (input.key == kOtherKey) return;
  FUZZ_CHECK(HasSignableNames(input.fields) == HasPlainNames(input.fields));
  for (const AbsentFields absent : {AbsentFields::kLeftOut, AbsentFields::kSignedAsNull}) {
    const std::string canonical = CanonicalText(input.fields, absent);
    FUZZ_CHECK(canonical.find(' ') == canonical.npos);
    FUZZ_CHECK(canonical == PlainCanonicalText(input.fields, absent));
    const std::string signature = Sign(input.key, input.fields, absent);
    FUZZ_CHECK(signature.size() == 44);
    FUZZ_CHECK(signature == PlainSignature(input.key, input.fields, absent));
    const VendorFields whole = Signed(input.fields, signature);
    FUZZ_CHECK(HasSignature(whole));
    FUZZ_CHECK(Verifies({input.key}, whole));
    FUZZ_CHECK(Verifies({kOtherKey, input.key}, whole));
    FUZZ_CHECK(Verifies({input.key, kOtherKey}, whole));
    FUZZ_CHECK(!Verifies({kOtherKey}, whole));
    CheckForgeries(input, signature);
  }
}

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      "0123456789abcdef\n\xEF\xBF\xBD=1\n\xF0\x9F\x98\x80=2\n\xC3\xBC=3\nz=a b ,c=d\nz1=\n"};
  for (const std::string& body : bodies) {
    const absl::StatusOr<VendorFields> fields = ParseCallback(body);
    if (!fields.ok()) continue;
    std::string seed = "0123456789abcdef";
    for (size_t i = 0; i < fields->size(); ++i) {
      const VendorFields::Field field = (*fields)[i];
      absl::StrAppend(&seed, "\n", field.name);
      if (field.value.has_value()) absl::StrAppend(&seed, "=", *field.value);
    }
    seeds.push_back(seed + "\ntimestamp=1645524163326\nnonce=-1482421808053124529");
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
