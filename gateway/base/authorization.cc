#include "gateway/base/authorization.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

constexpr size_t kShortestToken = 16;

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._~+/", c);
}

}  // namespace

std::optional<absl::string_view> CredentialsOf(absl::string_view authorization,
                                               absl::string_view scheme) {
  if (!absl::StartsWithIgnoreCase(authorization, scheme)) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  if (!absl::ConsumePrefix(&authorization, " ")) return std::nullopt;
  while (absl::ConsumePrefix(&authorization, " ")) {
  }
  return authorization;
}

absl::Status CheckBearerToken(absl::string_view token) {
  const absl::string_view unpadded = token.substr(0, token.find_last_not_of('=') + 1);
  if (unpadded.empty() || !std::all_of(unpadded.begin(), unpadded.end(), IsTokenCharacter)) {
    return absl::InvalidArgumentError(
        "must consist of letters, digits, '-', '.', '_', '~', '+' and '/', and '=' at its end");
  }
  if (token.size() < kShortestToken) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have at least ", kShortestToken, " characters"));
  }
  return absl::OkStatus();
}

}  // namespace onhook
