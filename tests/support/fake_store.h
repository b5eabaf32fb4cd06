#ifndef ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_
#define ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gateway/store/store.h"

namespace onhook {

// A Store around some EventLog, for tests of what stands before it: it has no subscriptions, and
// says of settlements what a test tells it to. Threads: one, but for what the log does.
class FakeStore final : public Store {
 public:
  // `log` must outlive the store.
  explicit FakeStore(EventLog* log) : log_(log) {}

  // A subscription settles an event now, and it is durable.
  void Settle(const std::string& subscription, Sequence sequence) {
    SequenceSet sequences;
    sequences.Add(sequence);
    for (const SettledListener& listener : listeners_) listener(subscription, sequences);
  }
  // Events that some subscription had processed when the store was opened.
  void SetProcessedAtOpen(Sequence sequence) { processed_.insert(sequence); }
  void SetExcludedByAll(bool excluded) { excluded_by_all_ = excluded; }

  const std::string& store_id() const override { return store_id_; }
  v1::DurabilityClass durability_class() const override { return v1::DURABILITY_CLASS_MEMORY; }
  EventLog& log() override { return *log_; }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(const std::string&) const override {
    return None();
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string&, const v1::SubscriptionSpec&) override {
    return None();
  }
  absl::Status Declare(const std::vector<Declaration>&) override { return None(); }
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string&,
                                                      const v1::SubscriptionSpec&) override {
    return None();
  }
  absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string&) const override {
    return None();
  }
  std::vector<SubscriptionInfo> ListSubscriptions() const override { return {}; }
  absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string&,
                                                      const v1::SubscriptionSpec&) override {
    return None();
  }
  absl::Status DeleteSubscription(const std::string&) override { return None(); }
  absl::Status Seek(const std::string&, Sequence) override { return None(); }
  absl::Status SetPaused(const std::string&, bool) override { return None(); }
  void AddSettledListener(SettledListener listener) override {
    listeners_.push_back(std::move(listener));
  }
  void FindProcessed(Sequence sequence, std::function<void(absl::StatusOr<bool>)> done) override {
    done(processed_.count(sequence) > 0);
  }
  bool ExcludedByAll(const v1::ReleaseEvent&) const override { return excluded_by_all_; }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  static absl::Status None() { return absl::NotFoundError("this store has no subscriptions"); }

  EventLog* const log_;
  const std::string store_id_ = "0123456789abcdef";
  std::vector<SettledListener> listeners_;
  std::set<Sequence> processed_;
  bool excluded_by_all_ = false;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAKE_STORE_H_
