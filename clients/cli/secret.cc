#include "clients/cli/secret.h"

#include <algorithm>
#include <cstddef>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace onhook::cli {
namespace {

constexpr size_t kLargestSecret = 4096;

}  // namespace

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string secret(kLargestSecret + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  secret.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (secret.size() > kLargestSecret) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 4 KiB"));
  }
  absl::string_view content = secret;
  if (absl::ConsumeSuffix(&content, "\n")) absl::ConsumeSuffix(&content, "\r");
  if (content.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ", or it is empty"));
  }
  return std::string(content);
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  absl::StatusOr<std::string> token = ReadSecret(path);
  if (token.ok() &&
      !std::all_of(token->begin(), token->end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " holds no token: a space, or a character that is not ASCII"));
  }
  return token;
}

}  // namespace onhook::cli
