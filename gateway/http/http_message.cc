#include "gateway/http/http_message.h"

#include "absl/strings/match.h"

namespace onhook {

absl::string_view HttpRequest::Header(absl::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return {};
}

}  // namespace onhook
