#ifndef ONHOOK_TESTS_CONTRACT_ENGINE_H_
#define ONHOOK_TESTS_CONTRACT_ENGINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/embedded_store.h"
#include "gateway/store/store.h"
#include "tests/support/shifted_clock.h"

namespace onhook {

// A store engine under the contract suites, with "open again on the same data" among its verbs.
class Engine {
 public:
  virtual ~Engine() = default;
  // The store that is open.
  Store& store() { return *store_; }
  EventLog& log() { return store_->log(); }
  ShiftedClock& clock() { return clock_; }

  // --- where engines differ: the table "promises by engine" of gateway/ARCHITECTURE.md

  // Why the engine cannot be had here, for GTEST_SKIP(); empty: it can.
  virtual std::string Missing() const { return ""; }
  // How long ago an event must have been stored for retention to remove it.
  virtual absl::Duration youngest_removed() const { return absl::Seconds(2); }
  // Whether backlog_limit.bytes can be asked for.
  virtual bool limits_backlog_by_bytes() const { return true; }
  // Whether what a gateway had when it was killed comes before what is new.
  virtual bool keeps_order_over_crashes() const { return true; }
  // Whether signed events that are handed in together are taken in that order.
  virtual bool keeps_order_of_signed() const { return true; }
  // Whether the same calls make the same answers, word for word.
  virtual bool is_deterministic() const { return true; }
  // Whether what was forwarded is known to whoever opens the store next.
  virtual bool keeps_forwarded_marks() const { return true; }

  // How long the store keeps what nobody is owed; from the next opening. Unset: for ever.
  std::optional<absl::Duration> retention_age;
  // What the quarantine may hold, and for how long; from the next opening.
  QuarantineOptions quarantine = {int64_t{64} << 20, absl::InfiniteDuration()};

  // Closes in good order and opens again.
  void Restart();
  // Ends without closing, with what had been written by then, and opens again.
  void Crash();

 protected:
  Engine();
  virtual std::unique_ptr<Store> OpenStore() = 0;
  // What both engines open with: a store that ticks often, and keeps events of long ago.
  EmbeddedStoreOptions Options() const;
  // Makes the data as it is now what OpenStore will open, as if the process had been killed now.
  virtual void KeepDataOfNow() = 0;

  ShiftedClock clock_;
  Log gateway_log_;
  std::unique_ptr<Store> store_;
};

// How a suite gets its engines: by name, for the names of the tests.
struct EngineKind {
  std::string name;
  std::function<std::unique_ptr<Engine>()> make;
};
std::vector<EngineKind> AllEngines();

// --- the suites' common words

NewEvent MakeEvent(const std::string& call, const std::string& content = "content");

// Appends and waits. All of them are handed in before any is waited for.
std::vector<absl::StatusOr<AppendResult>> AppendAll(EventLog& log, std::vector<NewEvent> events);
AppendResult AppendOne(EventLog& log, NewEvent event);

LogPage ReadPage(EventLog& log, Sequence after, ReadLimits limits = {});
std::vector<LogEventPtr> FindEvents(EventLog& log, EventQuery query);
std::optional<std::string> FindRawBody(EventLog& log, Sequence sequence);
// The contents of events, as MakeEvent made them.
std::vector<std::string> Contents(const std::vector<LogEventPtr>& events);

}  // namespace onhook

#endif  // ONHOOK_TESTS_CONTRACT_ENGINE_H_
