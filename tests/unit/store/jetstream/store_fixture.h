#ifndef ONHOOK_TESTS_UNIT_STORE_JETSTREAM_STORE_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_STORE_JETSTREAM_STORE_FIXTURE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "tests/contract/engine.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/support/shifted_clock.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {

inline std::vector<std::string> ContentsOf(const std::vector<Lease>& leases) {
  std::vector<LogEventPtr> events;
  for (const Lease& lease : leases) events.push_back(lease.event);
  return Contents(events);
}

// Waits until that is durable.
inline std::vector<SettleException> Settle(const QueuePtr& queue, const SettleRequest& request) {
  absl::Notification settled;
  std::vector<SettleException> exceptions;
  queue->Settle(request, [&](std::vector<SettleException> result) {
    exceptions = std::move(result);
    settled.Notify();
  });
  settled.WaitForNotification();
  return exceptions;
}

inline std::vector<SettleException> Ack(const QueuePtr& queue, const std::vector<Lease>& leases) {
  SettleRequest request;
  request.delivery_ids = Ids(leases);
  return Settle(queue, request);
}

// A store on a server of its own, whose streams a test can change behind its back.
class JetStreamStoreTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    if (!IsSkipped()) Open();
  }
  void TearDown() override {
    store_ = nullptr;
    NatsTest::TearDown();
  }

  void Open() {
    const absl::Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  absl::Status TryOpen() {
    auto store = OpenAnother();
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }
  // Another gateway's, if there is one already.
  absl::StatusOr<std::unique_ptr<Store>> OpenAnother() {
    JetStreamOptions options = options_;
    options.nats.servers = {server_->url()};
    return OpenJetStreamStore(options, &store_clock_, &log_,
                              [this](const absl::Status& status) { replaced_.Add(status); });
  }
  QueuePtr Queue() { return *store_->FindOrCreateQueue("crm", {}); }

  void Append(const std::string& call) { AppendOne(store_->log(), MakeEvent(call, call)); }
  bool IsProcessed(Sequence sequence) {
    return !AwaitAnswer<std::vector<std::string>>([&](auto done) {
              store_->FindProcessedBy(sequence, {"crm"}, std::move(done));
            })->empty();
  }

  // The events as they are now, and these put back. The server is started again each time.
  void KeepEvents() {
    server_->Stop();
    std::filesystem::copy(Messages(), server_->directory() + "/kept",
                          std::filesystem::copy_options::recursive);
    StartServer();
  }
  void LoseWhatCameSince() {
    server_->Stop();
    std::filesystem::remove_all(Messages());
    std::filesystem::rename(server_->directory() + "/kept", Messages());
    StartServer();
  }
  void StartServer() {
    ASSERT_TRUE(server_->Start());
    if (store_ != nullptr) Until([this] { return store_->CheckRoom().ok(); });
  }
  std::string Messages() const {
    return server_->directory() + "/store/jetstream/$G/streams/ONHOOK/msgs";
  }

  void LimitMessages(const std::string& stream, int64_t messages) {
    StreamConfig config = Info(stream)->config;
    config.max_messages = messages;
    ASSERT_TRUE(AwaitAnswer<StreamInfo>([&](auto done) {
                  api_->UpdateStream(config, std::move(done));
                }).ok());
  }

  std::string EventsConsumer() {
    const auto names = AwaitAnswer<std::vector<std::string>>(
        [&](auto done) { api_->ListConsumers("ONHOOK", std::move(done)); });
    for (const std::string& name : *names) {
      if (absl::StartsWith(name, "crm-")) return name;
    }
    return "";
  }

  static JetStreamOptions Quick() {
    JetStreamOptions options;
    options.replicas = 1;
    options.ownership = absl::Milliseconds(300);
    options.tick_interval = absl::Milliseconds(5);
    return options;
  }

  JetStreamOptions options_ = Quick();
  ShiftedClock store_clock_;
  Recorded<absl::Status> replaced_;
  std::unique_ptr<Store> store_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_JETSTREAM_STORE_FIXTURE_H_
