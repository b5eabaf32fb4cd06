#ifndef ONHOOK_GATEWAY_DELIVERY_BACKUP_SERVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_BACKUP_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>

#include "gateway/delivery/backup_stream.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/serial_executor.h"
#include "onhook/v1/backup_service.grpc.pb.h"

namespace onhook {

using BackupServiceBase =
    v1::BackupService::WithRawCallbackMethod_CreateBackup<v1::BackupService::Service>;

// The gRPC service BackupService: one backup at a time, on an executor of its own, since making a
// copy takes minutes.
//
// Threads: gRPC's. Blocking: never.
class BackupServiceImpl final : public BackupServiceBase {
 public:
  // Both must outlive the service.
  BackupServiceImpl(const StreamEnvironment* environment, SerialExecutor* executor)
      : environment_(environment), executor_(executor) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* CreateBackup(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;

 private:
  // Null: somebody else has it.
  BackupStream::Turn TakeTurn() const;

  const StreamEnvironment* const environment_;
  SerialExecutor* const executor_;
  const std::shared_ptr<std::atomic<bool>> taken_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_BACKUP_SERVICE_H_
