#include "clients/cli/vendor_client.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <httplib.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook::cli {
namespace {

constexpr char kScheme[] = "http://";

}  // namespace

absl::StatusOr<VendorUrl> ParseVendorUrl(absl::string_view url) {
  absl::string_view rest = url;
  if (!absl::ConsumePrefix(&rest, kScheme)) {
    return absl::InvalidArgumentError("--url must begin with http://");
  }
  const absl::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty()) return absl::InvalidArgumentError("--url names no host");
  const absl::string_view path = rest.substr(authority.size());
  return VendorUrl{absl::StrCat(kScheme, authority), path.empty() ? "/" : std::string(path)};
}

bool IsAcknowledgment(int http_status, absl::string_view body) {
  google::protobuf::Struct answer;
  const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(body), &answer);
  if (http_status != 200 || !parsed.ok()) return false;
  const auto ret_code = answer.fields().find("retCode");
  return ret_code != answer.fields().end() && ret_code->second.string_value() == "0";
}

struct VendorClient::Connection {
  explicit Connection(const VendorUrl& url) : client(url.origin) {}
  httplib::Client client;
};

VendorClient::VendorClient(const VendorUrl& url, absl::Duration timeout)
    : url_(url), connection_(std::make_unique<Connection>(url)) {
  httplib::Client& client = connection_->client;
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  const auto limit = absl::ToChronoMilliseconds(timeout);
  client.set_connection_timeout(limit);
  client.set_read_timeout(limit);
  client.set_write_timeout(limit);
}

VendorClient::~VendorClient() = default;

absl::StatusOr<VendorAnswer> VendorClient::Post(const std::string& body) {
  const httplib::Result result =
      connection_->client.Post(url_.path, body, "application/json;charset=UTF-8");
  if (!result) {
    return absl::UnavailableError(
        absl::StrCat("no answer from ", url_.origin, ": ", httplib::to_string(result.error())));
  }
  return VendorAnswer{result->status, result->body, IsAcknowledgment(result->status, result->body)};
}

}  // namespace onhook::cli
