#ifndef ONHOOK_TESTS_BENCH_STORE_FILLER_H_
#define ONHOOK_TESTS_BENCH_STORE_FILLER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace onhook {

// Makes a store in which one subscription, that nobody has ever attached to, is owed `events`
// events: those that the load generator's callbacks of the numbers from 0 would have become.
//
// By the store's own code, but without a gateway: millions within a minute. Blocking: that long.
// Errors: those of the store. `directory` is made if it is missing.
absl::Status FillStore(const std::string& directory, const std::string& subscription,
                       int64_t events);

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_STORE_FILLER_H_
