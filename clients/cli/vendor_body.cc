#include "clients/cli/vendor_body.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cli/vendor_samples.h"
#include "gateway/base/text.h"

namespace onhook::cli {
namespace {

std::string VendorTime(absl::Time time) {
  const std::string seconds = absl::FormatTime("%Y/%m/%d,%H:%M:%E3S", time, absl::UTCTimeZone());
  // The vendor sets milliseconds off with a colon.
  return seconds.substr(0, seconds.size() - 4) + ":" + seconds.substr(seconds.size() - 3);
}

}  // namespace

absl::StatusOr<std::string> VendorSample(absl::string_view name) {
  if (name == "javamap") return std::string(kVendorSampleJavamap);
  if (name == "json") return std::string(kVendorSampleJson);
  return absl::NotFoundError(absl::StrCat("no sample is called '", name, "'"));
}

absl::StatusOr<MadeUpCallback> MadeUpCallback::From(const std::vector<std::string>& fields) {
  MadeUpCallback callback;
  for (const std::string& field : fields) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--field must be NAME=VALUE, not '", field, "'"));
    }
    callback.given_.emplace_back(field.substr(0, equals), field.substr(equals + 1));
  }
  return callback;
}

std::string MadeUpCallback::Body(uint64_t serial, absl::Time now) const {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"callSerialNo", absl::StrCat(serial)},
      {"serviceNo", "1001"},
      {"called", "88880067"},
      {"caller", "960003"},
      {"callerPresent", "960003"},
      {"createCallTime", VendorTime(now - absl::Seconds(12))},
      {"alertingTime", VendorTime(now - absl::Seconds(10))},
      {"talkingTime", VendorTime(now - absl::Seconds(6))},
      {"releaseTime", VendorTime(now)},
      {"talkDuration", "6"},
      {"releaseReason", "0"},
  };
  for (const auto& [name, value] : given_) {
    const auto known =
        std::find_if(fields.begin(), fields.end(),
                     [&name = name](const auto& field) { return field.first == name; });
    if (known == fields.end()) {
      fields.emplace_back(name, value);
    } else {
      known->second = value;
    }
  }
  std::string body = "{";
  for (const auto& [name, value] : fields) {
    if (body.size() > 1) body.push_back(',');
    AppendJsonString(name, body);
    body.push_back(':');
    AppendJsonString(value, body);
  }
  body.push_back('}');
  return body;
}

}  // namespace onhook::cli
