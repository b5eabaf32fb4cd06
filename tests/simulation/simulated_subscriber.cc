#include "tests/simulation/simulated_subscriber.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhook {
namespace {

using Action = SettleRequest::Action;

constexpr size_t kMostSessions = 3;
constexpr size_t kMostHeld = 40;  // a consumer that is slow forgets the oldest

}  // namespace

SimulatedSubscriber::SimulatedSubscriber(const SimulatedWorld& world, std::string name,
                                         const v1::SubscriptionSpec& spec, Sequence start)
    : world_(world), model_(std::move(name), spec, start, world.clock, world.trace, world.log) {}

std::shared_ptr<SubscriptionQueue> SimulatedSubscriber::Queue() const {
  if (!world_.gateway->alive()) return nullptr;
  return world_.gateway->store().FindQueue(model_.name()).value_or(nullptr);
}

void SimulatedSubscriber::Act() {
  if (Queue() == nullptr) return;
  if (sessions_.empty() || (sessions_.size() < kMostSessions && world_.random->OneIn(8))) {
    return Attach();
  }
  const SessionPtr session = sessions_[world_.random->Below(sessions_.size())];
  switch (world_.random->Below(16)) {
    case 0:
      return Detach(session);
    case 1:
      return ChangeLimits(session);
    case 2:
      return Extend(session);
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return SettleSome(session);
    default:
      return Pull(session);
  }
}

// ---------------------------------------------------------------------------------------- streams

ConsumerLimits SimulatedSubscriber::SomeLimits() {
  ConsumerLimits limits;
  limits.max_outstanding_events = world_.random->Among({1, 2, 5, 100});
  limits.max_outstanding_bytes = world_.random->Among({100, 1000, 1 << 20});
  limits.paused = world_.random->OneIn(10);
  return limits;
}

void SimulatedSubscriber::Attach() {
  auto session = std::make_shared<Session>();
  ConsumerOptions options;
  options.name = absl::StrCat(model_.name(), world_.random->Below(3));
  options.limits = SomeLimits();
  if (world_.random->OneIn(2))
    options.ack_deadline = absl::Seconds(world_.random->Among({1, 5, 60}));
  ConsumerCallbacks callbacks;
  callbacks.ready = [session] { session->ready = true; };
  callbacks.deleted = [session] { session->ready = false; };
  session->consumer = Queue()->Attach(options, std::move(callbacks));
  session->connection = world_.network->Connect();
  model_.Attached(session->consumer, options.limits);
  sessions_.push_back(session);
  world_.trace->Add(model_.name(), ": attach ", session->consumer);
}

void SimulatedSubscriber::Detach(const SessionPtr& session) {
  const Departure departure = world_.random->OneIn(2) ? Departure::kLost : Departure::kInOrder;
  world_.trace->Add(model_.name(), ": detach ", session->consumer, " ",
                    departure == Departure::kLost ? "lost" : "in order");
  world_.network->Lose(session->connection);
  sessions_.erase(std::find(sessions_.begin(), sessions_.end(), session));
  model_.Detached(session->consumer, departure);
  Queue()->Detach(session->consumer, departure);
}

void SimulatedSubscriber::ChangeLimits(const SessionPtr& session) {
  const ConsumerLimits limits = SomeLimits();
  model_.SetLimits(session->consumer, limits);
  Queue()->SetLimits(session->consumer, limits);
}

void SimulatedSubscriber::Pull(const SessionPtr& session) {
  if (!session->ready) return;
  ReadLimits limits;
  limits.max_events = world_.random->Among<size_t>({1, 2, 10, 256});
  limits.max_bytes = world_.random->Among<size_t>({1, 1000, 1 << 20});
  session->ready = false;  // it may be told so before Pull returns
  const int64_t writes = world_.disk->writes();
  const PullResult result = Queue()->Pull(session->consumer, limits);
  if (world_.disk->writes() != writes) world_.trace->Find("Q7: handing out wrote to the disk");
  session->ready = session->ready || !result.leases.empty();
  if (!result.leases.empty()) Deliver(session, result);
}

void SimulatedSubscriber::Deliver(const SessionPtr& session, const PullResult& result) {
  std::vector<WrittenEvent> written;
  const bool lost = world_.random->OneIn(16);  // before they were written
  for (const Lease& lease : result.leases) {
    world_.trace->Add(model_.name(), ": ", session->consumer, " gets ", lease.event->sequence,
                      " attempt ", lease.attempt, " reason ", static_cast<int>(lease.reason));
    model_.Handed(session->consumer, lease);
    if (lost) continue;
    model_.Written(session->consumer, lease.event->sequence);
    written.push_back(WrittenEvent::Of(lease));
    Held held{lease.delivery_id, lease.event->sequence, model_.epoch()};
    world_.network->Send(session->connection, [this, held] {
      held_.push_back(held);
      if (held_.size() > kMostHeld) held_.erase(held_.begin());
    });
  }
  if (!lost) Queue()->MarkWritten(session->consumer, written);
}

void SimulatedSubscriber::ProcessEnded() {
  sessions_.clear();
  model_.ProcessEnded();
}

// --------------------------------------------------------------------------------------- settling

void SimulatedSubscriber::SettleSome(const SessionPtr& session) {
  if (held_.empty()) return;
  SettleRequest request;
  request.action =
      world_.random->Among({Action::kAck, Action::kAck, Action::kAck, Action::kAck, Action::kRetry,
                            Action::kRetry, Action::kPark, Action::kSkip, Action::kRelease});
  if (request.action == Action::kRetry && world_.random->OneIn(2)) {
    request.delay = absl::Seconds(world_.random->Among({0, 1, 30}));
  }
  request.consumer_name = absl::StrCat(model_.name(), session->consumer);
  std::vector<Held> held;
  const size_t first = world_.random->Below(held_.size());
  const size_t most = world_.random->Among<size_t>({1, 1, 3, 10});
  for (size_t i = first; i < held_.size() && held.size() < most; ++i) {
    held.push_back(held_[i]);
    request.delivery_ids.push_back(held_[i].delivery_id);
  }
  world_.network->Send(session->connection,
                       [this, session, request, held] { Settle(session, request, held); });
}

void SimulatedSubscriber::Settle(const SessionPtr& session, SettleRequest request,
                                 std::vector<Held> held) {
  const std::shared_ptr<SubscriptionQueue> queue = Queue();
  if (queue == nullptr) return;
  std::vector<Sequence> sequences;
  std::vector<int> epochs;
  for (const Held& one : held) {
    sequences.push_back(one.sequence);
    epochs.push_back(one.epoch);
  }
  const QueueModel::Asked asked = model_.Ask(request, sequences, epochs);
  world_.trace->Add(model_.name(), ": settle by ", static_cast<int>(request.action), ": ",
                    absl::StrJoin(sequences, " "));
  const int64_t gateway = world_.gateway->number();
  queue->Settle(std::move(request), [this, session, asked, held,
                                     gateway](const std::vector<SettleException>& exceptions) {
    if (!world_.gateway->alive() || world_.gateway->number() != gateway) return;
    world_.trace->Add(model_.name(), ": settled ", absl::StrJoin(asked.sequences, " "), " but ",
                      exceptions.size());
    model_.Answered(asked, exceptions);
    world_.network->Send(session->connection, [this, held] {
      // Its consumer may ask again for what it was told to be done, by a mistake of its own.
      for (const Held& one : held) {
        if (!world_.random->OneIn(10)) Forget(one.delivery_id);
      }
    });
  });
}

void SimulatedSubscriber::Extend(const SessionPtr& session) {
  if (held_.empty()) return;
  const Held held = held_[world_.random->Below(held_.size())];
  const absl::Duration deadline = absl::Seconds(world_.random->Among({1, 20}));
  world_.network->Send(session->connection, [this, held, deadline] {
    const std::shared_ptr<SubscriptionQueue> queue = Queue();
    if (queue == nullptr) return;
    if (queue->Extend({held.delivery_id}, deadline).empty()) {
      model_.Extended(held.sequence, deadline);
    }
  });
}

void SimulatedSubscriber::Forget(const std::string& delivery_id) {
  held_.erase(std::remove_if(held_.begin(), held_.end(),
                             [&](const Held& held) { return held.delivery_id == delivery_id; }),
              held_.end());
}

bool SimulatedSubscriber::Drain() {
  const std::shared_ptr<SubscriptionQueue> queue = Queue();
  if (queue == nullptr) return false;
  held_.clear();
  while (!sessions_.empty()) Detach(sessions_.back());
  Attach();
  const SessionPtr session = sessions_.front();
  model_.SetLimits(session->consumer, ConsumerLimits());
  queue->SetLimits(session->consumer, ConsumerLimits());
  bool something = false;
  for (int turn = 0; turn < 50 && world_.gateway->alive(); ++turn) {
    Pull(session);
    while (!world_.network->empty()) world_.network->Deliver(*world_.random);
    if (!held_.empty()) {
      something = true;
      SettleRequest request;
      for (const Held& held : held_) request.delivery_ids.push_back(held.delivery_id);
      Settle(session, std::move(request), std::exchange(held_, {}));
    }
    world_.gateway->Work();
    if (!session->ready) break;
  }
  return something;
}

// ---------------------------------------------------------------------------------------- looking

std::optional<std::vector<DeadLetter>> SimulatedSubscriber::ListDeadLetters() {
  const std::shared_ptr<SubscriptionQueue> queue = Queue();
  std::optional<std::vector<DeadLetter>> letters;
  if (queue == nullptr) return letters;
  const auto found = std::make_shared<absl::StatusOr<std::vector<DeadLetter>>>();
  queue->ListDeadLetters(
      0, {10'000, size_t{1} << 30},
      [found](absl::StatusOr<std::vector<DeadLetter>> result) { *found = std::move(result); });
  while (world_.gateway->Read()) {
  }
  if (found->ok()) letters = **found;
  return letters;
}

void SimulatedSubscriber::Check(Sequence first, Sequence last) {
  const std::shared_ptr<SubscriptionQueue> queue = Queue();
  if (queue == nullptr) {
    if (world_.gateway->alive()) world_.trace->Find("Q1: ", model_.name(), " is no more");
    return;
  }
  model_.Check(*queue, first, last);
  const std::optional<std::vector<DeadLetter>> letters = ListDeadLetters();
  if (letters.has_value()) model_.CheckDeadLetters(*letters);
}

}  // namespace onhook
