// A backup's way over real gRPC, of a store whose copies the test makes.
#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "onhook/v1/backup_service.grpc.pb.h"
#include "tests/support/fake_backup.h"
#include "tests/unit/delivery/delivery_fixture.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

// One call of CreateBackup.
class BackupCall {
 public:
  explicit BackupCall(v1::BackupService::Stub& stub)
      : reader_(stub.CreateBackup(&context_, v1::CreateBackupRequest())) {}

  bool Next() {
    v1::CreateBackupResponse part;
    if (!reader_->Read(&part)) return false;
    parts_.push_back(std::move(part));
    return true;
  }
  grpc::Status End() {
    while (Next()) {
    }
    return reader_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

  const std::vector<v1::CreateBackupResponse>& parts() const { return parts_; }
  std::string content() const {
    std::string content;
    for (const auto& part : parts_) content += part.chunk();
    return content;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::CreateBackupResponse>> reader_;
  std::vector<v1::CreateBackupResponse> parts_;
};

class BackupServiceTest : public DeliveryFixture {
 protected:
  std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) override {
    auto held = std::make_unique<HeldStore>(std::move(store));
    held_ = held.get();
    return held;
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    stub_of_backups_ = v1::BackupService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
  }
  void OfferCopiesOf(const std::string& content) {
    held_->SetBackup(
        [this, content](const BackupGoOn&) -> absl::StatusOr<std::unique_ptr<BackupCopy>> {
          return std::make_unique<FakeBackup>(content, &copies_);
        });
  }
  // Until no copy is left: it goes on another thread.
  void AwaitNoCopy() {
    while (copies_ > 0) std::this_thread::yield();
  }

  std::atomic<int> copies_{0};
  HeldStore* held_ = nullptr;
  std::unique_ptr<v1::BackupService::Stub> stub_of_backups_;
};

TEST_F(BackupServiceTest, AHeaderChunksAndATrailerMakeTheCopy) {
  const std::string content(1'000'001, 'c');
  OfferCopiesOf(content);
  BackupCall call(*stub_of_backups_);
  const grpc::Status end = call.End();
  ASSERT_TRUE(end.ok()) << end.error_message();
  ASSERT_GT(call.parts().size(), 3u);
  const FakeBackup expected(content);
  const v1::BackupHeader& header = call.parts().front().header();
  EXPECT_EQ(header.store_id(), expected.facts().store_id);
  EXPECT_EQ(header.size_bytes(), expected.facts().bytes);
  EXPECT_EQ(header.newest_sequence(), 2);
  EXPECT_TRUE(header.has_newest_received_at());
  EXPECT_EQ(call.content(), content);
  EXPECT_EQ(call.parts().back().trailer().sha256(), expected.facts().sha256);
  AwaitNoCopy();
}

TEST_F(BackupServiceTest, WhatTheStoreSaysIsTold) {
  held_->SetBackup([](const BackupGoOn&) { return absl::DataLossError("the store is damaged"); });
  BackupCall call(*stub_of_backups_);
  const grpc::Status end = call.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_TRUE(call.parts().empty());
}

TEST_F(BackupServiceTest, AnEngineWithoutBackupsSaysSo) {
  BackupCall call(*stub_of_backups_);
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(BackupServiceTest, ThereIsOneAtATimeAndThenAnother) {
  OfferCopiesOf("content");
  held_->Hold();
  BackupCall first(*stub_of_backups_);
  held_->AwaitHeld();
  BackupCall second(*stub_of_backups_);
  const grpc::Status refused = second.End();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_details(), HasSubstr("BACKUP_UNDER_WAY"));
  held_->LetGo();
  EXPECT_TRUE(first.End().ok());
  grpc::Status third;
  do {
    third = BackupCall(*stub_of_backups_).End();  // until the first one's copy has gone
  } while (third.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(third.ok()) << third.error_message();
}

TEST_F(BackupServiceTest, AClientThatGoesTakesTheCopyWithIt) {
  // More than fits into windows and buffers.
  OfferCopiesOf(std::string(64 << 20, 'c'));
  BackupCall call(*stub_of_backups_);
  ASSERT_TRUE(call.Next());
  EXPECT_EQ(copies_, 1);
  call.Cancel();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
  AwaitNoCopy();
}

TEST_F(BackupServiceTest, AClientThatGoesWhileTheCopyIsMadeEndsThat) {
  absl::Notification begun;
  std::atomic<bool> ended{false};
  held_->SetBackup([&](const BackupGoOn& go_on) -> absl::StatusOr<std::unique_ptr<BackupCopy>> {
    begun.Notify();
    while (true) {
      if (absl::Status status = go_on(); !status.ok()) {
        ended = true;
        return status;
      }
      std::this_thread::yield();
    }
  });
  BackupCall call(*stub_of_backups_);
  begun.WaitForNotification();
  call.Cancel();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
  while (!ended) std::this_thread::yield();
}

TEST_F(BackupServiceTest, AShutdownEndsItAndItsCopy) {
  OfferCopiesOf(std::string(64 << 20, 'c'));
  BackupCall call(*stub_of_backups_);
  ASSERT_TRUE(call.Next());
  server_->Drain(absl::ZeroDuration());
  EXPECT_FALSE(call.End().ok());
  AwaitNoCopy();
}

}  // namespace
}  // namespace onhook
