#ifndef ONHOOK_GATEWAY_CONFIG_NUMBER_PATTERN_H_
#define ONHOOK_GATEWAY_CONFIG_NUMBER_PATTERN_H_

#include <cstdint>
#include <string>

namespace onhook {

// A regular expression, as JavaScript and others have them, for the whole numbers from `least`, 0
// or more, to `most`, both included, perhaps with zeros before them. To be put between others as it
// is.
//
// Why: a schema has bounds for numbers only, and a duration or size is a text.
// Pure. Threads: any. Errors: none.
std::string NumberPattern(int64_t least, int64_t most);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_NUMBER_PATTERN_H_
