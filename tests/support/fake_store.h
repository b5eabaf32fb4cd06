#ifndef ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_
#define ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gateway/event/event_filter.h"
#include "gateway/store/store.h"
#include "tests/support/fake_quarantine.h"

namespace onhook {

// The queue of a FakeStore: knows what is settled because a test says so, and hands out nothing.
class FakeQueue final : public SubscriptionQueue {
 public:
  explicit FakeQueue(std::string name) : name_(std::move(name)) {}

  // Settled by nobody's wish: by a filter, a seek, a limit.
  void SetPassedOver(Sequence sequence) { settled_.Add(sequence); }
  // Settled by ack, skip or parking.
  void SetProcessed(Sequence sequence) {
    settled_.Add(sequence);
    processed_.Add(sequence);
  }
  bool IsProcessed(Sequence sequence) const { return processed_.Contains(sequence); }

  const std::string& name() const override { return name_; }
  bool IsSettled(Sequence sequence) const override { return settled_.Contains(sequence); }
  bool Excludes(const v1::ReleaseEvent&) const override { return false; }
  ConsumerId Attach(ConsumerOptions, ConsumerCallbacks) override { return 1; }
  void Detach(ConsumerId, Departure) override {}
  void SetLimits(ConsumerId, ConsumerLimits) override {}
  PullResult Pull(ConsumerId, ReadLimits) override { return {}; }
  void MarkWritten(ConsumerId, const std::vector<WrittenEvent>&) override {}
  void Settle(const SettleRequest&, SettleDone done) override { done({}); }
  std::vector<SettleException> Extend(const std::vector<std::string>&, absl::Duration) override {
    return {};
  }
  QueueStats Stats() const override { return {}; }
  QueueCounts Counts() const override { return {}; }
  void FindTimeline(Sequence, Done<v1::SubscriptionTimeline> done) override { done(Absent()); }
  void ListDeadLetters(int64_t, ReadLimits, Done<std::vector<DeadLetter>> done) override {
    done(Absent());
  }
  void Redrive(DeadLetterSelection, Done<DeadLetterOutcome> done) override { done(Absent()); }
  void Discard(DeadLetterSelection, Done<DeadLetterOutcome> done) override { done(Absent()); }

 private:
  static absl::Status Absent() { return absl::UnavailableError("this queue is a fake"); }

  const std::string name_;
  SequenceSet settled_;
  SequenceSet processed_;
};

// What receipts need of a Store, around any EventLog, for tests that say themselves what became of
// an event. Its subscriptions are there before the first append. Threads: any, for what receipts
// call; its setters belong before that.
class FakeStore final : public Store {
 public:
  // `log` must outlive the store.
  explicit FakeStore(EventLog* log) : log_(log) {}

  FakeQueue& AddQueue(const std::string& name, EventFilter filter = EventFilter()) {
    auto& [queue, its_filter] = queues_[name];
    queue = std::make_shared<FakeQueue>(name);
    its_filter = std::move(filter);
    return *queue;
  }
  // Says what FindProcessed finds, for every event.
  void SetProcessed(absl::StatusOr<bool> processed) { processed_ = std::move(processed); }
  // As after a commit in which `subscription` settled `sequences`.
  void Settle(const std::string& subscription, const SequenceSet& sequences) const {
    for (const SettledListener& listener : settled_listeners_) listener(subscription, sequences);
  }

  const std::string& store_id() const override { return store_id_; }
  v1::DurabilityClass durability_class() const override { return v1::DURABILITY_CLASS_UNSPECIFIED; }
  EventLog& log() override { return *log_; }
  Quarantine& quarantine() override { return quarantine_; }
  void SetLimits(const StoreLimits&) override {}
  absl::Status CheckRoom() const override { return absl::OkStatus(); }
  StoreStats Stats() const override { return {}; }
  std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const override { return {}; }
  void FailQuarantineWith(absl::Status status) { quarantine_.FailWith(std::move(status)); }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const override {
    const auto it = queues_.find(name);
    if (it == queues_.end()) return absl::NotFoundError(name);
    return it->second.first;
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec&) override {
    return FindQueue(name);
  }
  absl::Status Declare(const std::vector<Declaration>&) override { return absl::OkStatus(); }
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string&,
                                                      const v1::SubscriptionSpec&) override {
    return Fixed();
  }
  absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string&) const override {
    return Fixed();
  }
  std::vector<SubscriptionInfo> ListSubscriptions() const override { return {}; }
  absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string&,
                                                      const v1::SubscriptionSpec&) override {
    return Fixed();
  }
  absl::Status DeleteSubscription(const std::string&) override { return Fixed(); }
  absl::Status Seek(const std::string&, Sequence) override { return Fixed(); }
  absl::Status SetPaused(const std::string&, bool) override { return Fixed(); }
  void AddSettledListener(SettledListener listener) override {
    settled_listeners_.push_back(std::move(listener));
  }
  void FindProcessed(Sequence, std::function<void(absl::StatusOr<bool>)> done) override {
    done(processed_);
  }
  void FindProcessedBy(
      Sequence sequence, std::vector<std::string> subscriptions,
      std::function<void(absl::StatusOr<std::vector<std::string>>)> done) override {
    std::vector<std::string> processed_by;
    for (const std::string& name : subscriptions) {
      const auto it = queues_.find(name);
      if (it != queues_.end() && it->second.first->IsProcessed(sequence)) {
        processed_by.push_back(name);
      }
    }
    done(processed_.ok() ? absl::StatusOr<std::vector<std::string>>(std::move(processed_by))
                         : processed_.status());
  }
  bool ExcludedByAll(const v1::ReleaseEvent& event) const override {
    for (const auto& [name, queue] : queues_) {
      if (queue.second.Matches(event)) return false;
    }
    return !queues_.empty();
  }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  static absl::Status Fixed() { return absl::UnimplementedError("this store is a fake"); }

  const std::string store_id_ = "0123456789abcdef";
  EventLog* const log_;
  FakeQuarantine quarantine_;
  std::map<std::string, std::pair<std::shared_ptr<FakeQueue>, EventFilter>> queues_;
  absl::StatusOr<bool> processed_ = false;
  std::vector<SettledListener> settled_listeners_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_
