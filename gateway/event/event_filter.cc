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

// An unset field reads as "", which is how a filter names its absence.
bool EventFilter::Matches(const v1::ReleaseEvent& event) const {
  return Allows(sources_, event.source()) && Allows(service_nos_, event.service_no()) &&
         Allows(release_reason_codes_, event.release_reason_code());
}

bool EventFilter::Matches(const FilteredFields& fields) const {
  return Allows(sources_, fields.source) && Allows(service_nos_, fields.service_no) &&
         Allows(release_reason_codes_, fields.release_reason_code);
}

}  // namespace onhook
