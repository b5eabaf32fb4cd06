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

const std::string* FindValue(const BodyFields& fields, absl::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [name](const BodyField& field) { return field.name == name; });
  return found != fields.end() && found->value.has_value() ? &*found->value : nullptr;
}

void SetValue(absl::string_view name, absl::string_view value, BodyFields& fields) {
  const auto known = std::find_if(fields.begin(), fields.end(),
                                  [name](const BodyField& field) { return field.name == name; });
  if (known == fields.end()) {
    fields.push_back({std::string(name), std::string(value)});
  } else {
    known->value = std::string(value);
  }
}

std::string JsonBody(const BodyFields& fields) {
  std::string body = "{";
  for (const BodyField& field : fields) {
    if (body.size() > 1) body.push_back(',');
    AppendJsonString(field.name, body);
    body.push_back(':');
    if (field.value.has_value()) {
      AppendJsonString(*field.value, body);
    } else {
      body.append("null");
    }
  }
  body.push_back('}');
  return body;
}

std::string JavaMapBody(const BodyFields& fields) {
  std::string body = "{";
  for (const BodyField& field : fields) {
    absl::StrAppend(&body, body.size() > 1 ? ", " : "", "\n ", field.name, "=",
                    field.value.value_or("null"));
  }
  body.append("\n }\n");
  return body;
}

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
    callback.given_.push_back({field.substr(0, equals), field.substr(equals + 1)});
  }
  return callback;
}

BodyFields MadeUpCallback::Fields(uint64_t serial, absl::Time now) const {
  BodyFields fields = {
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
  for (const BodyField& given : given_) SetValue(given.name, *given.value, fields);
  return fields;
}

}  // namespace onhook::cli
