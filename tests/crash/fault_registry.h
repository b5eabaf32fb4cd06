#ifndef ONHOOK_TESTS_CRASH_FAULT_REGISTRY_H_
#define ONHOOK_TESTS_CRASH_FAULT_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/crash/fault.h"

namespace onhook {

// Every fault after which the books must balance, ready to be run by its name: a new one is one
// line in the .cc. One that may cost events, such as a damaged file, does not belong here.
//
// Each call makes new ones, since a fault keeps what it is about.
std::vector<std::unique_ptr<Fault>> MakeAllFaults();
// Null: there is none of that name.
std::unique_ptr<Fault> MakeFault(absl::string_view name);

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_FAULT_REGISTRY_H_
