#include "clients/cli/http_failure.h"

#include <httplib.h>

#include "absl/strings/str_cat.h"
#include "clients/cli/server_certificate.h"

namespace onhook::cli {

std::string WhyNoAnswer(const httplib::Result& result, absl::string_view which_address) {
  switch (result.error()) {
    case httplib::Error::SSLServerVerification:
    case httplib::Error::SSLServerHostnameVerification:
      return WhyNotTrusted(static_cast<long>(result.ssl_backend_error()));
    case httplib::Error::SSLConnection:
      return WhyNoHandshake(result.ssl_backend_error());
    case httplib::Error::Connection:
      return absl::StrCat("nobody listens there, or its name is not known; ", which_address);
    case httplib::Error::ConnectionTimeout:
      return absl::StrCat("there is no way to it; ", which_address);
    case httplib::Error::Read:
      return absl::StrCat("the connection ended without one; ", which_address);
    default:
      return httplib::to_string(result.error());
  }
}

}  // namespace onhook::cli
