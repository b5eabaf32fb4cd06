#ifndef ONHOOK_GATEWAY_CONFIG_NEAR_NAME_H_
#define ONHOOK_GATEWAY_CONFIG_NEAR_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhook {

// The one of `names` that somebody who wrote `name` meant, if one is a slip or two of the finger
// away: a letter too many, too few, another, or two in the wrong order. The first of those that
// are nearest; the empty text if none is near.
//
// Pure. Threads: any. Errors: none.
std::string NearName(absl::string_view name, absl::Span<const std::string> names);

// Of a name that is none, what to say of it: "no such key; did you mean path? See PLACE", where
// `place` is what tells all names.
std::string NoSuch(absl::string_view what, absl::string_view name,
                   absl::Span<const std::string> names, absl::string_view place);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_NEAR_NAME_H_
