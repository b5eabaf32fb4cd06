#include "gateway/store/event_log.h"

#include "onhook/v1/release_event.pb.h"

namespace onhook {

const FilteredFields* LogEvent::filtered_fields() const {
  absl::call_once(fields_are_read_, [this] {
    v1::ReleaseEvent parsed;
    if (!parsed.ParseFromString(event)) return;
    fields_ = std::make_unique<const FilteredFields>(
        FilteredFields{parsed.source(), parsed.service_no(), parsed.release_reason_code()});
  });
  return fields_.get();
}

}  // namespace onhook
