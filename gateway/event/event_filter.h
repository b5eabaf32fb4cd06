#ifndef ONHOOK_GATEWAY_EVENT_EVENT_FILTER_H_
#define ONHOOK_GATEWAY_EVENT_EVENT_FILTER_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "onhook/v1/release_event.pb.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// What filters look at of an event; what it does not have is empty.
struct FilteredFields {
  std::string source;
  std::string service_no;
  std::string release_reason_code;
};

// Which events somebody wants; subscription.proto says what a filter means.
//
// Immutable. Threads: any. Blocking: never.
class EventFilter {
 public:
  // Lets everything through.
  EventFilter() = default;
  // Bounds of its lists are the caller's to check; see config/subscription_spec.h.
  explicit EventFilter(const v1::EventFilter& filter);

  bool matches_all() const {
    return sources_.empty() && service_nos_.empty() && release_reason_codes_.empty();
  }
  bool Matches(const v1::ReleaseEvent& event) const;
  bool Matches(const FilteredFields& fields) const;

 private:
  absl::flat_hash_set<std::string> sources_;
  absl::flat_hash_set<std::string> service_nos_;
  absl::flat_hash_set<std::string> release_reason_codes_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_EVENT_FILTER_H_
