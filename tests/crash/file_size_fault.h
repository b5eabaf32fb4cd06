#ifndef ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_
#define ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// "file_size": for a while no file of the gateway may be written beyond its first page
// (RLIMIT_FSIZE): what begins below comes out short, all else fails, and so does nearly every
// commit. One time in two the gateway is killed while it is so, so that what was only in its memory
// is gone.
std::unique_ptr<Fault> MakeFileSizeFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_FILE_SIZE_FAULT_H_
