#include "clients/cli/admin_port.h"

#include <httplib.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/http_failure.h"
#include "clients/cli/secret.h"
#include "clients/cli/server_certificate.h"
#include "clients/cli/vendor_client.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {
namespace {

constexpr absl::string_view kWhichAddress =
    "is that the gateway's admin.listen? --admin says another";
constexpr absl::Duration kTimeout = absl::Seconds(3);
// Of a whole answer, whatever is in it: who answers may be somebody else, and never come to an end.
constexpr absl::Duration kLongestAnswer = absl::Seconds(10);
constexpr size_t kLargestAnswer = 16 << 20;

// Whether who listens at `address`, which is no https://, is on this machine.
bool IsHere(absl::string_view address) {
  absl::ConsumePrefix(&address, "http://");
  const absl::StatusOr<HostPort> parsed = ParseHostPort(address);
  return parsed.ok() && IsLoopback(*parsed);
}

}  // namespace

struct AdminPort::Connection {
  Connection(const std::string& url, const client::SecurityOptions& security)
      : origin(url), client(url, security.certificate_file, security.key_file) {}
  const std::string origin;
  httplib::Client client;
};

AdminPort::AdminPort(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
AdminPort::~AdminPort() = default;

absl::StatusOr<std::unique_ptr<AdminPort>> AdminPort::Open(
    const std::string& address, const client::SecurityOptions& security) {
  const bool is_https = absl::StartsWith(address, "https://");
  const absl::StatusOr<VendorUrl> url = ParseVendorUrl(
      absl::StrContains(address, "://") ? address : absl::StrCat("http://", address));
  if (!url.ok() || url->path != "/") {
    return absl::InvalidArgumentError(
        "--admin takes HOST:PORT, or the same behind http:// or https://");
  }
  if (is_https && !security.ca_file.empty()) {
    if (absl::Status read = CheckAuthorities(security.ca_file); !read.ok()) return read;
  }
  auto connection =
      std::make_unique<Connection>(url->origin, is_https ? security : client::SecurityOptions());
  httplib::Client& client = connection->client;
  const auto limit = absl::ToChronoMilliseconds(kTimeout);
  client.set_connection_timeout(limit);
  client.set_read_timeout(limit);
  client.set_write_timeout(limit);
  client.set_max_timeout(absl::ToChronoMilliseconds(kLongestAnswer));
  client.set_payload_max_length(kLargestAnswer);
  if (is_https && !security.ca_file.empty()) client.set_ca_cert_path(security.ca_file);
  if (!security.token_file.empty() && (is_https || IsHere(address))) {
    const absl::StatusOr<std::string> token = ReadToken(security.token_file);
    if (!token.ok()) return token.status();
    client.set_bearer_token_auth(*token);
  }
  return std::unique_ptr<AdminPort>(new AdminPort(std::move(connection)));
}

absl::StatusOr<AdminPort::Answer> AdminPort::Get(const std::string& path) {
  const httplib::Result result = connection_->client.Get(path);
  if (!result) {
    return absl::UnavailableError(absl::StrCat("no answer from ", connection_->origin, ": ",
                                               WhyNoAnswer(result, kWhichAddress)));
  }
  return Answer{result->status, result->body, result->get_header_value("Date")};
}

absl::StatusOr<absl::Time> ParseHttpDate(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, &time, &error)) return time;
  return absl::InvalidArgumentError(error);
}

}  // namespace onhook::cli
