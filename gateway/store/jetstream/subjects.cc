#include "gateway/store/jetstream/subjects.h"

#include <xxhash.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr size_t kLongestToken = 128;
constexpr size_t kKeptOfLongToken = 64;

std::string Hash(absl::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return absl::StrCat(absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

}  // namespace

std::string SubjectToken(absl::string_view text) {
  if (text.empty()) return "=";
  std::string token;
  token.reserve(text.size());
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') {
      token.push_back(c);
    } else {
      absl::StrAppend(&token, "=", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  if (token.size() <= kLongestToken) return token;
  token.resize(kKeptOfLongToken);
  return absl::StrCat(token, "==", Hash(text));
}

std::string Subjects::Event(absl::string_view source, absl::string_view call_serial_no) const {
  return absl::StrCat(prefix_, ".event.", SubjectToken(source), ".", SubjectToken(call_serial_no));
}

std::string Subjects::EventsOfCall(absl::string_view call_serial_no) const {
  return absl::StrCat(prefix_, ".event.*.", SubjectToken(call_serial_no));
}

std::string Subjects::EventsOfSource(absl::string_view source) const {
  return absl::StrCat(prefix_, ".event.", SubjectToken(source), ".*");
}

std::string Subjects::State(absl::string_view subscription) const {
  return absl::StrCat(prefix_, ".state.", SubjectToken(subscription));
}

std::string Subjects::Dead(absl::string_view subscription) const {
  return absl::StrCat(prefix_, ".dead.", SubjectToken(subscription));
}

std::string Subjects::Redriven(absl::string_view subscription) const {
  return absl::StrCat(prefix_, ".redriven.", SubjectToken(subscription));
}

std::string Subjects::Rejected(absl::string_view source, absl::string_view hash) const {
  return absl::StrCat(prefix_, ".rejected.", SubjectToken(source), ".", SubjectToken(hash));
}

std::string Subjects::Nonce(absl::string_view source, absl::string_view hash) const {
  return absl::StrCat(prefix_, ".nonce.", SubjectToken(source), ".", SubjectToken(hash));
}

std::string Subjects::NoncesOfToken(absl::string_view source_token) const {
  return absl::StrCat(prefix_, ".nonce.", source_token, ".*");
}

std::string Subjects::EventsConsumer(absl::string_view subscription, uint64_t epoch) const {
  return absl::StrCat(SubjectToken(subscription), "-", absl::Hex(epoch, absl::kZeroPad16));
}

std::string Subjects::RedrivenConsumer(absl::string_view subscription) const {
  return absl::StrCat(SubjectToken(subscription), "-redriven");
}

}  // namespace onhook
