#include "clients/cli/security_flags.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhook::cli {
namespace {

// A variable that is set to nothing is as good as none.
std::string FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

SecurityFlags::SecurityFlags() : tls_in_environment_(FromEnvironment("ONHOOK_TLS")) {
  options_.ca_file = FromEnvironment("ONHOOK_CA");
  options_.certificate_file = FromEnvironment("ONHOOK_CERT");
  options_.key_file = FromEnvironment("ONHOOK_KEY");
  options_.server_name = FromEnvironment("ONHOOK_SERVER_NAME");
  options_.token_file = FromEnvironment("ONHOOK_TOKEN_FILE");
}

void SecurityFlags::Declare(Arguments& arguments) {
  arguments.Text("--ca", "FILE",
                 "Speaks TLS with a gateway whose certificate an authority in this file signed "
                 "(PEM); or set ONHOOK_CA.",
                 &options_.ca_file);
  arguments.Text("--cert", "FILE",
                 "Shows this certificate (PEM), whose key is --key; or set ONHOOK_CERT. Speaks "
                 "TLS, as --ca does.",
                 &options_.certificate_file);
  arguments.Text("--key", "FILE",
                 "The key of --cert (PEM, without a passphrase); or set ONHOOK_KEY.",
                 &options_.key_file);
  arguments.Text("--token-file", "FILE",
                 "Shows the token in this file; or set ONHOOK_TOKEN_FILE. Without TLS only to this "
                 "machine.",
                 &options_.token_file);
  arguments.Text("--server-name", "NAME",
                 "The name that the gateway's certificate is for, where that is not the host of "
                 "--server; or set ONHOOK_SERVER_NAME.",
                 &options_.server_name);
  arguments.Switch("--tls",
                   "Speaks TLS, and without --ca trusts the authorities of this system; or set "
                   "ONHOOK_TLS=true.",
                   &options_.tls);
  arguments.Switch("--allow-cleartext-token",
                   "Shows the token without TLS beyond this machine too, where everybody on the "
                   "way can read and use it.",
                   &options_.allow_cleartext_token);
  arguments.Rule([this] { return Check(); });
}

absl::Status SecurityFlags::Check() {
  if (!tls_in_environment_.empty()) {
    bool tls = false;
    if (!absl::SimpleAtob(tls_in_environment_, &tls)) {
      return absl::InvalidArgumentError("ONHOOK_TLS must be true or false");
    }
    options_.tls = options_.tls || tls;
  }
  if (options_.certificate_file.empty() == options_.key_file.empty()) return absl::OkStatus();
  const bool has_key = options_.certificate_file.empty();
  return absl::InvalidArgumentError(absl::StrCat(has_key ? "--key" : "--cert", " needs ",
                                                 has_key ? "--cert" : "--key", " (or ONHOOK_",
                                                 has_key ? "CERT" : "KEY", ") beside it"));
}

}  // namespace onhook::cli
