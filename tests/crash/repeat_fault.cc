#include "tests/crash/repeat_fault.h"

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/crash_run.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

constexpr int kConnections = 8;
constexpr int kCallbacks = 4;
// The vendor posts these about when this does.
constexpr int64_t kAhead = 8;

// Connections of a vendor who does not wait for an answer.
class Repeats {
 public:
  explicit Repeats(CallLedger* ledger) : ledger_(ledger) {}

  void Connect(int port) {
    connections_.clear();
    for (int i = 0; i < kConnections; ++i) connections_.emplace_back(port);
  }
  // Over all connections before any answer is read.
  void Post(int64_t number) {
    const std::string request =
        CallbackLoad::RequestFor(CallbackLoad::UnsignedBody(ledger_->content(), number));
    for (RawHttpClient& connection : connections_) connection.Send(request);
  }
  void TakeAnswers(int64_t number) {
    for (RawHttpClient& connection : connections_) {
      ledger_->Replied(number, CallbackLoad::Understand(connection.ReadAnswer()));
    }
  }

 private:
  CallLedger* const ledger_;
  std::list<RawHttpClient> connections_;
};

class RepeatFault final : public Fault {
 public:
  absl::string_view name() const override { return "repeat"; }
  // It does not sign.
  std::vector<std::string> Excludes() const override { return {"rotate_keys"}; }

  void Strike(CrashRun& run) override {
    Repeats repeats(&run.ledger());
    repeats.Connect(run.gateway().http_port());
    for (int i = 0; i < kCallbacks; ++i) {
      const int64_t number = NextOf(run.ledger());
      repeats.Post(number);
      repeats.TakeAnswers(number);
    }
    if (run.random()() % 2 == 0) return;
    const int64_t number = NextOf(run.ledger());
    repeats.Post(number);
    run.Kill();
    repeats.TakeAnswers(number);
    if (!run.Start()) return;
    repeats.Connect(run.gateway().http_port());
    repeats.Post(number);
    repeats.TakeAnswers(number);
  }

 private:
  static int64_t NextOf(CallLedger& ledger) {
    const int64_t number = ledger.opened() + kAhead;
    ledger.Opened(number, SystemClock().Elapsed());
    return number;
  }
};

}  // namespace

std::unique_ptr<Fault> MakeRepeatFault() { return std::make_unique<RepeatFault>(); }

}  // namespace onhook
