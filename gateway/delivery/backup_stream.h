#ifndef ONHOOK_GATEWAY_DELIVERY_BACKUP_STREAM_H_
#define ONHOOK_GATEWAY_DELIVERY_BACKUP_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/store/backup.h"
#include "onhook/v1/backup_service.pb.h"

namespace onhook {

// One call of CreateBackup: has the copy made, then sends it chunk by chunk as the client takes
// them, the next one read while one is written. It lives under the same rules as every stream (a
// client that takes nothing, a permission taken back, its age, a shutdown), and whatever ends it,
// the copy goes.
//
// Threads: see DeliveryStream. The copy belongs to the executor's thread.
class BackupStream final : public DeliveryStream,
                           public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // Held for as long as there is a copy; then another backup may be made.
  using Turn = std::shared_ptr<void>;

  // `executor` does what may block, the making of the copy included, and must outlive the stream.
  BackupStream(const StreamEnvironment* environment, grpc::CallbackServerContext* context,
               std::unique_ptr<CallAuthorization> authorization, SerialExecutor* executor,
               Turn turn);

  // To be called once, when the registry has taken the stream.
  void Start() { Step(); }

 private:
  // What is to be written next.
  struct Part {
    grpc::ByteBuffer message;
    bool is_last = false;
  };

  // --- gRPC's reactions
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Lost(); }
  void OnDone() override { Done(); }

  // --- DeliveryStream
  bool Advance() override { return SendPart() || EndAfterLast() || FetchNext(); }
  void Release(bool lost) override;
  bool DrainsRequests() const override { return false; }
  grpc::ByteBuffer Heartbeat() const override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::ByteBuffer EncodeGoAway(const v1::GoAway& go_away) const override;
  void StartWriting(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void FinishWith(const grpc::Status& status) override { Finish(status); }

  // --- The things that Advance does.
  bool SendPart();
  bool EndAfterLast();
  bool FetchNext();

  // --- On the executor's thread.
  void Work();
  absl::StatusOr<Part> NextPart();
  absl::StatusOr<Part> MakeCopy();
  void DropCopy();

  SerialExecutor* const executor_;
  std::atomic<bool> abandoned_{false};

  std::optional<Part> next_ ABSL_GUARDED_BY(mutex_);
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;
  bool last_sent_ ABSL_GUARDED_BY(mutex_) = false;  // or being written

  // Of the executor's thread, and of whoever destroys this.
  Turn turn_;
  std::unique_ptr<BackupCopy> copy_;
  int64_t offset_ = 0;  // of what has been read
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_BACKUP_STREAM_H_
