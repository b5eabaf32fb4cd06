#include "clients/cli/sender_flags.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/secret.h"
#include "clients/cli/server_certificate.h"

namespace onhook::cli {
namespace {

std::string AuthoritiesOfEnvironment() {
  const char* const file = std::getenv("ONHOOK_CA");
  return file == nullptr ? "" : file;
}

}  // namespace

SenderFlags::SenderFlags() : ca_(AuthoritiesOfEnvironment()) {}

void SenderFlags::Declare(Arguments& arguments) {
  arguments.Text("--url", "URL", "Where callbacks go: http:// or https://.", &url_);
  arguments.Text("--ca", "FILE",
                 "Who may have signed the certificate of an https:// URL, in PEM; the environment "
                 "variable ONHOOK_CA names it too. Without it: those whom the system trusts.",
                 &ca_);
  arguments.Text("--path", "PATH", "A source's path, instead of the URL's.", &path_);
  arguments.Text("--path-token-file", "FILE",
                 "Holds the secret last segment of the path: the source's path_token_file.",
                 &path_token_file_);
  arguments.Text("--key-file", "FILE",
                 "Signs with the key in this file: one of the source's shared_key.key_files.",
                 &key_file_);
  arguments.Text("--token-file", "FILE",
                 "Sends the token in this file: one of the source's bearer.token_files.",
                 &token_file_);
  arguments.Text("--user", "NAME", "Sends this user's name: the source's basic.username.", &user_);
  arguments.Text("--password-file", "FILE", "Holds the password of --user.", &password_file_);
}

absl::Status SenderFlags::Check() {
  absl::StatusOr<VendorUrl> url = ParseVendorUrl(url_);
  if (!url.ok()) return url.status();
  target_.url = *std::move(url);
  if (absl::Status status = FindAuthorities(); !status.ok()) return status;
  if (absl::Status status = FindPath(); !status.ok()) return status;
  if (absl::Status status = FindCredentials(); !status.ok()) return status;
  if (key_file_.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> key = ReadSecret(key_file_);
  if (!key.ok()) return key.status();
  key_ = *std::move(key);
  return absl::OkStatus();
}

absl::Status SenderFlags::FindAuthorities() {
  if (!target_.url.is_https()) {
    // What the environment says is for whoever needs it.
    if (ca_ == AuthoritiesOfEnvironment()) return absl::OkStatus();
    return absl::InvalidArgumentError("--ca goes with an https:// URL only");
  }
  if (ca_.empty()) return absl::OkStatus();
  target_.ca_file = ca_;
  return CheckAuthorities(ca_);
}

absl::Status SenderFlags::FindPath() {
  if (!path_.empty()) {
    if (!absl::StartsWith(path_, "/")) return absl::InvalidArgumentError("--path begins with /");
    target_.url.path = path_;
  }
  if (path_token_file_.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> token = ReadToken(path_token_file_);
  if (token.ok()) {
    target_.url.path = absl::StrCat(absl::StripSuffix(target_.url.path, "/"), "/", *token);
  }
  return token.status();
}

absl::Status SenderFlags::FindCredentials() {
  if (user_.empty() != password_file_.empty()) {
    return absl::InvalidArgumentError("--user and --password-file go together");
  }
  if (!user_.empty() && !token_file_.empty()) {
    return absl::InvalidArgumentError("only one of --token-file and --user");
  }
  if (!token_file_.empty()) {
    const absl::StatusOr<std::string> token = ReadToken(token_file_);
    if (token.ok()) target_.authorization = absl::StrCat("Bearer ", *token);
    return token.status();
  }
  if (user_.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> password = ReadSecret(password_file_);
  if (password.ok()) {
    target_.authorization =
        absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(user_, ":", *password)));
  }
  return password.status();
}

}  // namespace onhook::cli
