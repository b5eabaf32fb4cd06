#include "clients/cli/vendor_client.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <httplib.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/http_failure.h"

namespace onhook::cli {
namespace {

constexpr char kHttp[] = "http://";
constexpr char kHttps[] = "https://";
constexpr absl::string_view kWhichUrl =
    "is onhookd running, and is that its address for callbacks? --url says another";

}  // namespace

bool VendorUrl::is_https() const { return absl::StartsWith(origin, kHttps); }

absl::StatusOr<VendorUrl> ParseVendorUrl(absl::string_view url) {
  absl::string_view rest = url;
  if (!absl::ConsumePrefix(&rest, kHttp) && !absl::ConsumePrefix(&rest, kHttps)) {
    return absl::InvalidArgumentError("--url must begin with http:// or https://");
  }
  const absl::string_view scheme = url.substr(0, url.size() - rest.size());
  const absl::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty()) return absl::InvalidArgumentError("--url names no host");
  const absl::string_view path = rest.substr(authority.size());
  return VendorUrl{absl::StrCat(scheme, authority), path.empty() ? "/" : std::string(path)};
}

VendorAnswer ReadAnswer(int http_status, std::string body) {
  VendorAnswer answer;
  answer.http_status = http_status;
  answer.body = std::move(body);
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(answer.body, &object).ok()) return answer;
  const auto ret_code = object.fields().find("retCode");
  const auto ret_msg = object.fields().find("retMsg");
  if (ret_code != object.fields().end() && ret_code->second.has_string_value()) {
    answer.ret_code = ret_code->second.string_value();
  }
  if (ret_msg != object.fields().end()) answer.ret_msg = ret_msg->second.string_value();
  answer.acknowledged = http_status == 200 && answer.ret_code == "0";
  return answer;
}

struct VendorClient::Connection {
  explicit Connection(const VendorUrl& url) : client(url.origin) {}
  httplib::Client client;
};

VendorClient::VendorClient(const VendorTarget& target, absl::Duration timeout)
    : target_(target), connection_(std::make_unique<Connection>(target.url)) {
  httplib::Client& client = connection_->client;
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  const auto limit = absl::ToChronoMilliseconds(timeout);
  client.set_connection_timeout(limit);
  client.set_read_timeout(limit);
  client.set_write_timeout(limit);
  if (!target.ca_file.empty()) client.set_ca_cert_path(target.ca_file);
}

VendorClient::~VendorClient() = default;

absl::StatusOr<VendorAnswer> VendorClient::Post(const std::string& body) {
  httplib::Headers headers;
  if (!target_.authorization.empty()) headers.emplace("Authorization", target_.authorization);
  const httplib::Result result =
      connection_->client.Post(target_.url.path, headers, body, "application/json;charset=UTF-8");
  if (!result) {
    return absl::UnavailableError(
        absl::StrCat("no answer from ", target_.url.origin, ": ", WhyNoAnswer(result, kWhichUrl)));
  }
  return ReadAnswer(result->status, result->body);
}

}  // namespace onhook::cli
