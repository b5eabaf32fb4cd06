#ifndef ONHOOK_GATEWAY_ACCESS_NAME_PATTERN_H_
#define ONHOOK_GATEWAY_ACCESS_NAME_PATTERN_H_

#include "absl/strings/string_view.h"

namespace onhook {

// Whether `name` is one that `pattern` stands for: '*' is any run of characters, the empty one too;
// every other character is itself, in its case.
//
// No choice is ever taken back, however many stars there are: the first place where a part of the
// pattern fits is as good as any later one. Pure. Threads: any.
bool MatchesName(absl::string_view pattern, absl::string_view name);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_NAME_PATTERN_H_
