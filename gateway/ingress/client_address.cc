#include "gateway/ingress/client_address.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

bool IsPort(absl::string_view text) {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

absl::optional<IpAddress> Parse(absl::string_view text) {
  absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (!address.ok()) return absl::nullopt;
  return *address;
}

absl::optional<IpAddress> ParseElement(absl::string_view element) {
  if (absl::StartsWith(element, "[")) {
    const size_t end = element.find(']');
    if (end == absl::string_view::npos) return absl::nullopt;
    const absl::string_view behind = element.substr(end + 1);
    if (!behind.empty() && (behind[0] != ':' || !IsPort(behind.substr(1)))) return absl::nullopt;
    const absl::string_view address = element.substr(1, end - 1);
    return absl::StrContains(address, ':') ? Parse(address) : absl::nullopt;
  }
  const size_t colon = element.find(':');
  if (colon == element.rfind(':') && colon != absl::string_view::npos) {
    return IsPort(element.substr(colon + 1)) ? Parse(element.substr(0, colon)) : absl::nullopt;
  }
  return Parse(element);
}

// The elements of all headers X-Forwarded-For, the last one first.
class ElementsFromTheRight {
 public:
  explicit ElementsFromTheRight(absl::Span<const HttpHeader> headers)
      : headers_(headers), header_(headers.size()) {}

  // Nothing: there are no more.
  absl::optional<absl::string_view> Next() {
    while (!rest_.has_value()) {
      if (header_ == 0) return absl::nullopt;
      --header_;
      if (absl::EqualsIgnoreCase(headers_[header_].name, "X-Forwarded-For")) {
        rest_ = headers_[header_].value;
      }
    }
    const size_t comma = rest_->rfind(',');
    absl::string_view element = *rest_;
    if (comma == absl::string_view::npos) {
      rest_.reset();
    } else {
      element = rest_->substr(comma + 1);
      rest_ = rest_->substr(0, comma);
    }
    return absl::StripAsciiWhitespace(element);
  }

 private:
  const absl::Span<const HttpHeader> headers_;
  size_t header_;                           // the one that is being read, or the size
  absl::optional<absl::string_view> rest_;  // what is left of it
};

}  // namespace

absl::optional<IpAddress> ClientAddress(const HttpRequest& request,
                                        absl::Span<const IpNetwork> trusted_proxies) {
  absl::optional<IpAddress> speaker = Parse(request.peer);
  if (!speaker.has_value()) return absl::nullopt;
  ElementsFromTheRight elements(request.headers);
  const auto is_trusted = [&speaker](const IpNetwork& proxy) { return proxy.Contains(*speaker); };
  while (std::any_of(trusted_proxies.begin(), trusted_proxies.end(), is_trusted)) {
    const absl::optional<absl::string_view> element = elements.Next();
    if (!element.has_value()) break;
    const absl::optional<IpAddress> named = ParseElement(*element);
    if (!named.has_value()) break;
    speaker = named;
  }
  return speaker;
}

}  // namespace onhook
