#ifndef ONHOOK_TESTS_FUZZ_STREAM_RUN_H_
#define ONHOOK_TESTS_FUZZ_STREAM_RUN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/base/exchangeable.h"
#include "gateway/delivery/release_event_service.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/delivery/stream_registry.h"
#include "gateway/store/memory/memory_store.h"
#include "onhook/v1/release_event_service.pb.h"
#include "tests/fuzz/stream_call.h"
#include "tests/support/manual_clock.h"

namespace onhook {

// The service of streams on a store in memory, from its opening to its closing. The store has no
// threads: to start and end them took longer than all that an input does.
class StreamGateway {
 public:
  // `ticks`: Work() lets the store look at the time.
  StreamGateway(std::shared_ptr<MemoryDisk> disk, ManualClock* clock, bool ticks);
  ~StreamGateway();

  ReleaseEventServiceImpl* service() { return &service_; }
  Store& store() { return *store_; }

  // Commits what waits for a commit, and returns when all that follows from it on this thread has
  // happened.
  void Commit();
  // Does what a store does when time passes, if it ticks, and Commit().
  void Work();
  // Stores an event that NumberOf gives `number`.
  void Append(int number, int service_no);
  // Returns when the thread that creates subscriptions has done what was asked of it.
  void AwaitCreating();

  std::set<int> DeadLettersOf(SubscriptionQueue& queue);
  // Whether the subscription's filter leaves out event `number`, which is the so-manieth.
  bool IsExcluded(const SubscriptionQueue& queue, int number);

 private:
  ManualClock* const clock_;
  const bool ticks_;
  const Log log_;
  StoreWork work_;
  const std::unique_ptr<Store> store_;
  ReceiptDesk desk_;
  SerialExecutor executor_;
  StreamRegistry registry_;
  const Exchangeable<DeliveryOptions> options_;
  const StreamEnvironment environment_;
  ReleaseEventServiceImpl service_;
};

// What streams were told and have asked, on one gateway: knows what must come yet, and what must
// not come again.
class StreamLedger {
 public:
  using Delivered = std::pair<std::string, int>;  // subscription, number of the event

  // `spec`: with which a stream may have created it.
  void Open(const v1::SubscribeOpen& open);
  // A delivery over a stream of `subscription`.
  void Take(const std::string& subscription, const v1::Delivery& delivery);
  // A request was sent, and answered with these results.
  void Sent(const std::string& subscription, const v1::SubscribeRequest& request);
  void Answered(const std::string& subscription, const v1::SubscribeRequest& request,
                const v1::AckResults& results);

  // The delivery ids that were given out, in order.
  const std::vector<std::string>& delivery_ids() const { return delivery_ids_; }

  // Whether what the subscription is owed can be told from its requests.
  bool IsKnown(const std::string& subscription) const { return unknown_.count(subscription) == 0; }
  bool MayComeNoMore(const Delivered& event) const { return asked_.count(event) > 0; }
  bool MustNotCome(const Delivered& event) const { return settled_.count(event) > 0; }

 private:
  // The events of `subscription` that the request would settle.
  std::vector<std::pair<std::string, Delivered>> Settles(const std::string& subscription,
                                                         const v1::SubscribeRequest& request) const;

  std::vector<std::string> delivery_ids_;
  std::map<std::string, Delivered> by_id_;
  std::set<std::string> unknown_;
  std::set<Delivered> asked_;    // to be settled, perhaps in vain
  std::set<Delivered> settled_;  // for good
};

// One stream of the run, as its client sees it.
class StreamClient {
 public:
  // `request`: that of a Watch.
  StreamClient(StreamGateway* gateway, StreamLedger* ledger, std::unique_ptr<StreamCall> call,
               std::string request, bool watches);

  void Send(const grpc::ByteBuffer& request);
  void HalfClose();
  void Cancel();
  void Tick(absl::Duration now);
  // The next answer does not reach the client.
  void FailNextAnswer() { fails_next_ = true; }

  // Until nothing is under way.
  void Pump();
  // Waits for what another thread is to bring about.
  void AwaitAnswer();

  bool ended() const { return call_->status().has_value(); }
  bool watches() const { return watches_; }
  const std::string& request() const { return request_; }
  // Whether it got all that was sent to it.
  bool is_whole() const { return !has_failed_; }
  const std::vector<int>& events() const { return events_; }

 private:
  bool TakeAnswers();
  void Take(const v1::SubscribeResponse& response);
  void Take(const v1::WatchResponse& response);

  StreamGateway* const gateway_;
  StreamLedger* const ledger_;
  const std::unique_ptr<StreamCall> call_;
  const std::string request_;
  const bool watches_;
  bool fails_next_ = false;
  bool has_failed_ = false;
  bool opened_ = false;
  std::string subscription_;
  std::vector<v1::SubscribeRequest> unanswered_;
  std::vector<int> events_;  // numbers of those that came
};

// The number that Append gave it.
int NumberOf(const v1::ReleaseEvent& event);

}  // namespace onhook

#endif  // ONHOOK_TESTS_FUZZ_STREAM_RUN_H_
