#include "gateway/event/event_filter.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

constexpr int kMostSources = 100;
constexpr int kMostServiceNos = 1000;
constexpr int kMostReleaseReasonCodes = 100;

absl::Status CheckLength(absl::string_view list, int length, int most) {
  if (length <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(list, " holds more than ", most));
}

bool Allows(const absl::flat_hash_set<std::string>& wanted, const std::string& value) {
  return wanted.empty() || wanted.contains(value);
}

}  // namespace

EventFilter::EventFilter(const v1::EventFilter& filter)
    : sources_(filter.sources().begin(), filter.sources().end()),
      service_nos_(filter.service_nos().begin(), filter.service_nos().end()),
      release_reason_codes_(filter.release_reason_codes().begin(),
                            filter.release_reason_codes().end()) {}

absl::Status EventFilter::Check(const v1::EventFilter& filter) {
  absl::Status status = CheckLength("sources", filter.sources_size(), kMostSources);
  if (status.ok()) status = CheckLength("service_nos", filter.service_nos_size(), kMostServiceNos);
  if (!status.ok()) return status;
  return CheckLength("release_reason_codes", filter.release_reason_codes_size(),
                     kMostReleaseReasonCodes);
}

bool EventFilter::Matches(const v1::ReleaseEvent& event) const {
  // An unset field reads as "", which is how a filter names its absence.
  return Allows(sources_, event.source()) && Allows(service_nos_, event.service_no()) &&
         Allows(release_reason_codes_, event.release_reason_code());
}

}  // namespace onhook
