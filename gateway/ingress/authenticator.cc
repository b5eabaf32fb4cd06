#include "gateway/ingress/authenticator.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "gateway/base/authorization.h"
#include "gateway/base/text.h"
#include "gateway/ingress/client_address.h"
#include "gateway/ingress/signature.h"

namespace onhook {
namespace {

constexpr size_t kShortestKey = 16;
constexpr size_t kShortestPassword = 8;
constexpr size_t kLongestPathToken = 128;

bool IsAlphanumericOr(absl::string_view others, absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(others, c);
  });
}

absl::Status MustHaveAtLeast(size_t characters, size_t has) {
  if (has >= characters) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("must have at least ", characters, " characters"));
}

absl::Status CheckPathToken(absl::string_view token) {
  if (token.size() > kLongestPathToken) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have at most ", kLongestPathToken, " characters"));
  }
  // What the vendor takes in an address, less what has a meaning there.
  if (!IsAlphanumericOr("_.-", token)) {
    return absl::InvalidArgumentError("must consist of letters, digits, '_', '.' and '-'");
  }
  return MustHaveAtLeast(kShortestKey, token.size());
}

absl::Status CheckText(absl::string_view text, size_t characters) {
  constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const bool is_text = IsValidUtf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
                         return absl::ascii_iscntrl(static_cast<unsigned char>(c));
                       });
  if (!is_text || absl::StartsWith(text, kByteOrderMark)) {
    return absl::InvalidArgumentError(
        "must be one line of UTF-8, without control characters or a byte order mark");
  }
  return MustHaveAtLeast(characters, CountCodePoints(text));
}

absl::Status CheckKey(absl::string_view key) {
  // More likely a slip than a key: every signature would fail, and nobody would see why.
  if (absl::StartsWith(key, " ") || absl::EndsWith(key, " ")) {
    return absl::InvalidArgumentError("must not begin or end with a space");
  }
  return CheckText(key, kShortestKey);
}
absl::Status CheckPassword(absl::string_view password) {
  return CheckText(password, kShortestPassword);
}

// Does not tell by its time where two texts of one length differ.
bool IsSame(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool IsLive(const SecretFile& secret, absl::string_view given) {
  bool found = false;
  for (const std::shared_ptr<const std::string>& live : secret.Get()) {
    found |= IsSame(given, *live);
  }
  return found;
}

bool IsOneOf(const std::vector<std::shared_ptr<const SecretFile>>& secrets,
             absl::string_view given) {
  bool found = false;
  for (const std::shared_ptr<const SecretFile>& secret : secrets) found |= IsLive(*secret, given);
  return found;
}

// The only header Authorization, without the scheme, which must be `scheme`. Nothing: there is no
// such header, or another beside it.
std::optional<absl::string_view> CredentialsIn(const HttpRequest& request,
                                               absl::string_view scheme) {
  std::optional<absl::string_view> value;
  for (const HttpHeader& header : request.headers) {
    if (!absl::EqualsIgnoreCase(header.name, "Authorization")) continue;
    if (value.has_value()) return std::nullopt;
    value = header.value;
  }
  if (!value.has_value()) return std::nullopt;
  return CredentialsOf(*value, scheme);
}

// A number as Java writes it, so that each has one spelling.
absl::optional<int64_t> ParseNumber(VendorFields::Value text) {
  int64_t number = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number) || absl::StrCat(number) != *text) {
    return absl::nullopt;
  }
  return number;
}

absl::StatusOr<std::shared_ptr<const SecretFile>> OpenSecret(absl::string_view setting,
                                                             const std::string& path,
                                                             SecretPool::Check check,
                                                             SecretPool& pool) {
  absl::StatusOr<std::shared_ptr<const SecretFile>> secret = pool.Open(path, check);
  if (secret.ok()) return secret;
  return absl::InvalidArgumentError(absl::StrCat(setting, ": ", secret.status().message()));
}

absl::Status OpenSecrets(absl::string_view setting, const std::vector<std::string>& paths,
                         SecretPool::Check check, SecretPool& pool,
                         std::vector<std::shared_ptr<const SecretFile>>& secrets) {
  if (paths.empty()) return absl::InvalidArgumentError(absl::StrCat(setting, ": names no file"));
  for (const std::string& path : paths) {
    absl::StatusOr<std::shared_ptr<const SecretFile>> secret =
        OpenSecret(setting, path, check, pool);
    if (!secret.ok()) return secret.status();
    secrets.push_back(*std::move(secret));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view DistrustName(Distrust distrust) {
  switch (distrust) {
    case Distrust::kNetwork:
      return "network";
    case Distrust::kCredentials:
      return "credentials";
    case Distrust::kUnsigned:
      return "unsigned";
    case Distrust::kUnsignableName:
      return "unsignable_name";
    case Distrust::kSignature:
      return "signature";
    case Distrust::kReplayWindow:
      return "replay_window";
    case Distrust::kNonceReused:
      return "nonce_reused";
  }
  return "unknown";
}

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Open(const Settings::Source& source,
                                                                   SecretPool& pool) {
  std::unique_ptr<Authenticator> opened(new Authenticator(source));
  absl::Status status;
  if (!source.path_token_file.empty()) {
    absl::StatusOr<std::shared_ptr<const SecretFile>> token =
        OpenSecret("path_token_file", source.path_token_file, CheckPathToken, pool);
    if (!token.ok()) return token.status();
    opened->path_token_ = *std::move(token);
  }
  if (source.shared_key.has_value()) {
    status = OpenSecrets("authentication.shared_key.key_files", source.shared_key->key_files,
                         CheckKey, pool, opened->keys_);
  }
  if (status.ok() && source.bearer.has_value()) {
    status = OpenSecrets("authentication.bearer.token_files", source.bearer->token_files,
                         CheckBearerToken, pool, opened->bearer_tokens_);
  }
  if (status.ok() && source.basic.has_value()) {
    status = OpenSecrets("authentication.basic.password_files", source.basic->password_files,
                         CheckPassword, pool, opened->passwords_);
  }
  if (!status.ok()) return status;
  return opened;
}

bool Authenticator::IsAt(absl::string_view path) const {
  if (path_token_ == nullptr) return path == source_.path;
  return absl::ConsumePrefix(&path, source_.path) && absl::ConsumePrefix(&path, "/") &&
         IsLive(*path_token_, path);
}

absl::optional<Distrust> Authenticator::CheckRequest(const HttpRequest& request) const {
  if (!source_.allowed_networks.empty()) {
    const absl::optional<IpAddress> client = ClientAddress(request, source_.trusted_proxies);
    const bool is_allowed =
        client.has_value() &&
        std::any_of(source_.allowed_networks.begin(), source_.allowed_networks.end(),
                    [&client](const IpNetwork& network) { return network.Contains(*client); });
    if (!is_allowed) return Distrust::kNetwork;
  }
  if (!HasCredentials(request)) return Distrust::kCredentials;
  return absl::nullopt;
}

bool Authenticator::HasCredentials(const HttpRequest& request) const {
  if (source_.bearer.has_value()) {
    const std::optional<absl::string_view> token = CredentialsIn(request, "Bearer");
    if (!token.has_value() || !IsOneOf(bearer_tokens_, *token)) return false;
  }
  if (source_.basic.has_value()) {
    const std::optional<absl::string_view> encoded = CredentialsIn(request, "Basic");
    std::string decoded;
    if (!encoded.has_value() || !absl::Base64Unescape(*encoded, &decoded)) return false;
    const absl::string_view credentials = decoded;
    const size_t colon = credentials.find(':');
    if (colon == absl::string_view::npos) return false;
    const bool is_user = IsSame(credentials.substr(0, colon), source_.basic->username);
    const bool is_password = IsOneOf(passwords_, credentials.substr(colon + 1));
    if (!is_user || !is_password) return false;
  }
  return true;
}

absl::variant<Proof, Distrust> Authenticator::CheckFields(const VendorFields& fields,
                                                          absl::Time now,
                                                          ReplayWindow window) const {
  Proof proof;
  if (!source_.shared_key.has_value()) {
    if (source_.bearer.has_value()) {
      proof.authentication = v1::AUTHENTICATION_BEARER;
    } else if (source_.basic.has_value()) {
      proof.authentication = v1::AUTHENTICATION_BASIC;
    } else if (path_token_ != nullptr) {
      proof.authentication = v1::AUTHENTICATION_PATH;
    }
    return proof;
  }
  const bool tolerates =
      source_.shared_key->enforce == Settings::Source::SharedKey::Enforce::kReport;
  const absl::variant<Proof, Distrust> checked = CheckSignature(fields);
  if (const auto* distrust = absl::get_if<Distrust>(&checked)) {
    if (!tolerates) return *distrust;
    proof.authentication = v1::AUTHENTICATION_UNVERIFIED;
    proof.tolerated = *distrust;
    return proof;
  }
  proof = absl::get<Proof>(checked);
  const absl::Duration most = source_.shared_key->replay_window;
  if (most == absl::ZeroDuration()) return proof;
  const absl::Duration age = now - absl::FromUnixMillis(proof.nonce->timestamp_ms);
  // Too far ahead, where that is ignored: a sender with a wrong unit of time, whose nonces must not
  // be kept until then.
  proof.nonce->refuse_forgotten = !tolerates && (window == ReplayWindow::kEnforced || age >= -most);
  if (window == ReplayWindow::kEnforced && absl::AbsDuration(age) > most) {
    proof.stale = !tolerates;
    if (tolerates) proof.tolerated = Distrust::kReplayWindow;
  }
  return proof;
}

absl::variant<Proof, Distrust> Authenticator::CheckSignature(const VendorFields& fields) const {
  const absl::optional<int64_t> timestamp = ParseNumber(fields.Find("timestamp"));
  const bool has_nonce = ParseNumber(fields.Find("nonce")).has_value();
  if (!has_nonce || !timestamp.has_value() || *timestamp < 0 || !HasSignature(fields)) {
    return Distrust::kUnsigned;
  }
  if (!HasSignableNames(fields)) return Distrust::kUnsignableName;
  SecretFile::Live keys;
  for (const std::shared_ptr<const SecretFile>& file : keys_) {
    for (std::shared_ptr<const std::string>& key : file->Get()) keys.push_back(std::move(key));
  }
  std::vector<absl::string_view> views;
  views.reserve(keys.size());
  for (const std::shared_ptr<const std::string>& key : keys) views.emplace_back(*key);
  if (!VerifySignature(views, fields)) return Distrust::kSignature;
  Proof proof;
  proof.authentication = v1::AUTHENTICATION_SIGNATURE;
  proof.nonce = NewEvent::Nonce{std::string(*fields.Find("nonce")), *timestamp, false};
  return proof;
}

}  // namespace onhook
