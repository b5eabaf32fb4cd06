#ifndef ONHOOK_TESTS_CRASH_FAULT_H_
#define ONHOOK_TESTS_CRASH_FAULT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/crash/gateway_address.h"
#include "tests/support/onhookd_process.h"

namespace onhook {

class CrashRun;

// One thing that a machine, a network or an operator does to a gateway at work. A CrashRun strikes
// with the faults it was given, in an order that its seed decides, and the ledger says at the end
// whether that cost anybody anything.
//
// A new one: NAME_fault.{h,cc} in this folder with its class in the .cc and MakeNAMEFault() in the
// header, both in CMakeLists.txt, and a line in fault_registry.cc; then
//   ONHOOK_FAULTS=NAME ONHOOK_ROUNDS=200 build/release/tests/crash/crash_test
//       --gtest_filter='*/FaultTest.*'
// runs it alone, and the mixed campaign has it as soon as it is in the registry.
//
// What it decides by chance it draws from the run's random numbers, which begin anew for each
// round, so that a seed replays the same strikes. A failure is a failed expectation of the test.
// Threads: the run's.
class Fault {
 public:
  virtual ~Fault() = default;

  // For the output and for ONHOOK_FAULTS: one word, with underscores.
  virtual absl::string_view name() const = 0;

  // What this machine lacks for it; empty: nothing. Asked before anything else.
  virtual std::string Missing() const { return ""; }

  // The names of faults that cannot be in the same run, such as another that places the store.
  virtual std::vector<std::string> Excludes() const { return {}; }

  // Before the first gateway starts. May move the store with CrashRun::PlaceStore.
  virtual void Begin(CrashRun& /*run*/) {}

  // Before each start: how this fault wants the gateway run.
  virtual void Prepare(OnhookdProcess::Options& /*options*/) {}

  // After each start: the ports that the vendor and the backends are told, which need not be the
  // gateway's own.
  virtual void Route(GatewayAddress::Ports& /*ports*/) {}

  // The gateway works, under load. On return it works, or it is gone and CrashRun::running() says
  // so; then the run starts the next one.
  virtual void Strike(CrashRun& run) = 0;

  // What it measured, for the summary: a sentence, or nothing.
  virtual std::string Figures() const { return ""; }

  // After the last strike: nothing hinders anybody any more. The gateway may be gone.
  virtual void End(CrashRun& /*run*/) {}
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_FAULT_H_
