#include "gateway/event/event_filter.h"

namespace onhook {
namespace {

bool Allows(const absl::flat_hash_set<std::string>& wanted, const std::string& value) {
  return wanted.empty() || wanted.contains(value);
}

}  // namespace

EventFilter::EventFilter(const v1::EventFilter& filter)
    : sources_(filter.sources().begin(), filter.sources().end()),
      service_nos_(filter.service_nos().begin(), filter.service_nos().end()),
      release_reason_codes_(filter.release_reason_codes().begin(),
                            filter.release_reason_codes().end()) {}

bool EventFilter::Matches(const v1::ReleaseEvent& event) const {
  // An unset field reads as "", which is how a filter names its absence.
  return Allows(sources_, event.source()) && Allows(service_nos_, event.service_no()) &&
         Allows(release_reason_codes_, event.release_reason_code());
}

}  // namespace onhook
