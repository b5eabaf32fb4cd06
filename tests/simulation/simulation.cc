#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr int kFewestSteps = 100;
constexpr int kMoreSteps = 300;

}  // namespace

Simulation::Result Simulation::Run(uint64_t seed, const std::string& directory, bool print) {
  Simulation simulation(seed, directory, print);
  return simulation.RunAll();
}

Simulation::Simulation(uint64_t seed, const std::string& directory, bool print)
    : random_(seed),
      trace_(print),
      disk_(&random_),
      options_(SomeOptions()),
      log_(&clock_, &trace_,
           {options_.retention.deduplication_window, options_.retention.nonce_memory}),
      gateway_(directory, options_, &clock_, &disk_, &trace_, &faults_),
      world_{&random_, &trace_, &clock_, &disk_, &network_, &gateway_, &log_},
      vendor_(world_),
      damages_(random_.OneIn(12)) {
  for (const char* name : {"alpha", "beta", "gamma"}) {
    if (subscribers_.size() > 0 && random_.OneIn(3)) continue;
    subscribers_.push_back(std::make_unique<SimulatedSubscriber>(world_, name, SomeSpec(), 0));
    declared_.push_back(random_.OneIn(2));
    if (options_.retention.dead_letters_age.has_value())
      subscribers_.back()->model().LettersMayGo();
  }
}

Simulation::Result Simulation::RunAll() {
  const int steps = kFewestSteps + random_.Below(kMoreSteps);
  for (int step = 0; step < steps && trace_.findings().empty(); ++step) {
    Step();
    if (gateway_.alive()) log_.Begins(gateway_.store().log().first());
  }
  if (trace_.findings().empty()) Drain();
  Result result;
  result.findings = trace_.findings();
  result.trace_hash = trace_.hash();
  result.promises = log_.promises();
  result.deliveries = deliveries();
  result.processes = gateway_.number();
  result.power_cuts = power_cuts_;
  result.failures = disk_.failures();
  return result;
}

void Simulation::Step() {
  if (!gateway_.alive()) {
    End();
    return Start();
  }
  SimulatedSubscriber& subscriber = *subscribers_[random_.Below(subscribers_.size())];
  switch (random_.Below(32)) {
    case 0:
      return StepOfWorld();
    case 1:
      return StepOfDisk();
    case 2:
      return StepOfAdministrator();
    case 3:
    case 4:
      return PassTime();
    case 5:
      return gateway_.Tick();
    case 6:
    case 7:
    case 8:
    case 9:
      return vendor_.Send();
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
      return subscriber.Act();
    case 18:
    case 19:
    case 20:
    case 21:
    case 22:
      return network_.Deliver(random_);
    case 23:
    case 24:
      gateway_.Read();
      return;
    case 25:
      gateway_.Work();
      return;
    default:
      gateway_.Commit();
      return;
  }
}

// The process ends, or looks at itself.
void Simulation::StepOfWorld() {
  switch (random_.Below(8)) {
    case 0:
      trace_.Add("killed");
      return gateway_.Bury();
    case 1:
    case 2:
    case 3: {
      const int64_t calls = 1 + random_.Below(int64_t{1} << random_.Below(8));
      trace_.Add("to end within ", calls, " calls");
      return disk_.EndWithin(calls, [this] { trace_.Add("ended within a call"); });
    }
    case 4:
      return Close();
    case 5:
    case 6:
      return Check();
    default: {
      const absl::Duration by = random_.UpTo(absl::Hours(24 * 300));
      trace_.Add("clock steps");
      return clock_.Step(random_.OneIn(2) ? by : -by);
    }
  }
}

void Simulation::StepOfDisk() {
  using Call = SimulatedDisk::Call;
  SimulatedDisk::Fault fault;
  fault.after = random_.Below(int64_t{1} << random_.Below(6));
  fault.lasting = random_.OneIn(4);
  switch (random_.Below(12)) {
    case 0:
      fault.call = Call::kSync;
      fault.code = SQLITE_IOERR_FSYNC;
      break;
    case 1:
    case 2:
      fault.code = SQLITE_IOERR_WRITE;
      break;
    case 3:
    case 4:
      fault.code = SQLITE_FULL;
      break;
    case 5:
      fault.call = Call::kRead;
      fault.code = SQLITE_IOERR_READ;
      break;
    case 6:
      free_disk_ = random_.OneIn(2) ? 0 : int64_t{1} << 40;
      return;
    case 7:
      gateway_.MakeMaintenanceDue();
      return;
    case 8:
      return disk_.WriteBack();
    default:
      return disk_.Heal();
  }
  trace_.Add("disk: fault ", fault.code, " after ", fault.after);
  disk_.Fail(fault);
}

void Simulation::PassTime() { clock_.Pass(random_.UpTo(absl::Minutes(random_.OneIn(4) ? 60 : 1))); }

// ---------------------------------------------------------------------------------- administration

void Simulation::StepOfAdministrator() {
  SimulatedSubscriber& subscriber = *subscribers_[random_.Below(subscribers_.size())];
  if (subscriber.Queue() == nullptr) return;
  switch (random_.Below(8)) {
    case 0:
      return Seek(subscriber);
    case 1:
    case 2:
      return Pause(subscriber, random_.OneIn(3));
    case 3:
      return Update(subscriber);
    case 4: {
      const Sequence last = gateway_.store().log().last();
      if (last == 0) return;
      const Sequence first = 1 + random_.Below(last);
      return gateway_.store().log().RecordForwarded(
          "watch", {first, first + random_.Below(last - first + 1)});
    }
    case 5:
      return Redrive(subscriber, /*discard=*/true);
    default:
      return Redrive(subscriber, /*discard=*/false);
  }
}

void Simulation::Seek(SimulatedSubscriber& subscriber) {
  EventLog& log = gateway_.store().log();
  const Sequence after = random_.Below(log.last() + 2);
  trace_.Add(subscriber.model().name(), ": seek ", after);
  subscriber.model().AskToSeek(after);
  const absl::Status status = gateway_.store().Seek(subscriber.model().name(), after);
  if (!gateway_.alive()) return;
  trace_.Add("sought: ", absl::StatusCodeToString(status.code()));
  subscriber.model().SeekDone(after, status.ok());
}

void Simulation::Pause(SimulatedSubscriber& subscriber, bool pause) {
  trace_.Add(subscriber.model().name(), pause ? ": pause" : ": resume");
  subscriber.model().AskToPause();
  const absl::Status status = gateway_.store().SetPaused(subscriber.model().name(), pause);
  if (gateway_.alive()) subscriber.model().PauseDone(pause, status.ok());
}

void Simulation::Update(SimulatedSubscriber& subscriber) {
  const v1::SubscriptionSpec spec = SomeSpec();
  trace_.Add(subscriber.model().name(), ": update");
  subscriber.model().AskToUpdate(spec);
  gateway_.store().UpdateSubscription(subscriber.model().name(), spec).status().IgnoreError();
}

void Simulation::Redrive(SimulatedSubscriber& subscriber, bool discard) {
  const std::optional<std::vector<DeadLetter>> letters = subscriber.ListDeadLetters();
  const auto queue = subscriber.Queue();
  if (queue == nullptr || !letters.has_value() || letters->empty()) return;
  const DeadLetter& letter = (*letters)[random_.Below(letters->size())];
  const Sequence sequence = letter.event->sequence;
  trace_.Add(subscriber.model().name(), discard ? ": discard " : ": redrive ", sequence);
  DeadLetterSelection selection;
  selection.ids = {letter.id};
  if (discard) {
    subscriber.model().AskToDiscard(sequence);
    return queue->Discard(selection, [](const absl::StatusOr<DeadLetterOutcome>&) {});
  }
  subscriber.model().AskToRedrive(sequence);
  const int64_t gateway = gateway_.number();
  queue->Redrive(selection, [this, &subscriber, sequence,
                             gateway](const absl::StatusOr<DeadLetterOutcome>& outcome) {
    if (!gateway_.alive() || gateway_.number() != gateway) return;
    subscriber.model().RedriveDone(sequence, outcome.ok() && outcome->done == 1);
  });
}

}  // namespace onhook
