#include "gateway/store/jetstream/nats_error_text.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

// Of "(conn.c:1905): rest" the rest; of all else nothing is taken.
bool ConsumePosition(absl::string_view& text) {
  const size_t end = text.find(')');
  if (end == absl::string_view::npos) return false;
  const absl::string_view inside = text.substr(0, end);
  const size_t colon = inside.find(".c:");
  if (colon == absl::string_view::npos) return false;
  for (const char digit : inside.substr(colon + 3)) {
    if (!absl::ascii_isdigit(digit)) return false;
  }
  text.remove_prefix(end + 1);
  if (!absl::ConsumePrefix(&text, ":")) absl::ConsumePrefix(&text, " ");
  text = absl::StripLeadingAsciiWhitespace(text);
  return true;
}

std::string WithoutPositions(absl::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const size_t open = text.find('(');
    absl::StrAppend(&plain, text.substr(0, open));
    if (open == absl::string_view::npos) break;
    text.remove_prefix(open);
    if (ConsumePosition(text)) continue;
    plain += '(';
    text.remove_prefix(1);
  }
  return std::string(absl::StripTrailingAsciiWhitespace(plain));
}

absl::string_view AdviceOn(absl::string_view error) {
  const auto says = [error](absl::string_view words) { return absl::StrContains(error, words); };
  if (says("Authentication Violation") || says("Authorization Violation") ||
      says("Authentication Expired") || says("Authorization Failed")) {
    return "; the server does not take these credentials: see store.jetstream.user and "
           "store.jetstream.password_file, or store.jetstream.credentials_file";
  }
  if (says("Expected 'PONG', got ''")) {
    return "; the server hung up: it may want a certificate, store.jetstream.tls.certificate_file, "
           "or another one";
  }
  if (says("SSL Error") || says("Secure Connection")) {
    return "; see store.jetstream.tls.ca_file, which is to vouch for the server, and the host in "
           "store.jetstream.servers, which is to stand in its certificate, behind tls:// if it has "
           "one";
  }
  return "";
}

}  // namespace

std::string NatsErrorText(absl::string_view kind, absl::string_view detail) {
  const std::string plain = WithoutPositions(detail);
  std::string text(kind);
  if (!plain.empty() && plain != kind) absl::StrAppend(&text, text.empty() ? "" : ": ", plain);
  absl::StrAppend(&text, AdviceOn(text));
  return text;
}

}  // namespace onhook
