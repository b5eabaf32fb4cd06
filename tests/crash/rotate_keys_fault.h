#ifndef ONHOOK_TESTS_CRASH_ROTATE_KEYS_FAULT_H_
#define ONHOOK_TESTS_CRASH_ROTATE_KEYS_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// The vendor signs, and its key is changed as an operator does it: the old one into the file of the
// previous key, the new one into that of the current key; and when the gateway knows it, the vendor
// signs with it. No valid callback may be refused at any time.
std::unique_ptr<Fault> MakeRotateKeysFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_ROTATE_KEYS_FAULT_H_
