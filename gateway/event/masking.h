#ifndef ONHOOK_GATEWAY_EVENT_MASKING_H_
#define ONHOOK_GATEWAY_EVENT_MASKING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// How personal words are shown where people read along: logs, errors, the command line.
//
// Pure functions. Threads: any. Blocking: never. Errors: none.

// A telephone number as `888***67`: its first three and last two characters. One shorter than
// eight characters, or not plain ASCII, is hidden whole: `***`. An empty one stays empty. The stars
// are always three: the length is nobody's business either.
std::string MaskNumber(absl::string_view number);

// `event` for showing: numbers masked; callData, the recording's path and all of `extra` hidden
// whole. What identifies event, call and agent stays.
v1::ReleaseEvent MaskedCopy(const v1::ReleaseEvent& event);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_MASKING_H_
