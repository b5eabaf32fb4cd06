#ifndef ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_
#define ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// Each has the store on a LoopFileSystem, mounted with ONHOOK_MOUNT_OPTIONS beside the usual ones
// ("data=writeback,nodelalloc"), and ends with a power cut: what no sync had brought to the device
// is gone. The gateway goes in the same instant, or lives a little longer on a disk that takes
// nothing any more, and must notice.

// The power goes at any instant under load.
std::unique_ptr<Fault> MakePowerCutFault();

// kill -9 in the middle of a sync, so that the next gateway finds commits that are not on the disk;
// the vendor repeats what was not answered; and when the first of that is answered, the power goes.
std::unique_ptr<Fault> MakeKillInSyncFault();

// A sync fails, once, and the kernel takes the pages for written from then on; the next gateway
// finds them in memory; and when the first repeated callback is answered, the power goes.
std::unique_ptr<Fault> MakeFailedSyncFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_
