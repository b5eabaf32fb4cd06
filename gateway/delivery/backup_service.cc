#include "gateway/delivery/backup_service.h"

#include <utility>

#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/refused_stream.h"
#include "gateway/delivery/stream_registry.h"

namespace onhook {

grpc::ServerWriteReactor<grpc::ByteBuffer>* BackupServiceImpl::CreateBackup(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer*) {
  using Reactor = grpc::ServerWriteReactor<grpc::ByteBuffer>;
  auto authorization = std::make_unique<CallAuthorization>(
      environment_->authorization(), "/onhook.v1.BackupService/CreateBackup", *context);
  if (absl::Status allowed = authorization->Check(); !allowed.ok()) {
    return RefuseStream<Reactor>(allowed);
  }
  BackupStream::Turn turn = TakeTurn();
  if (turn == nullptr) {
    return RefuseStream<Reactor>(
        WithReason(absl::ResourceExhaustedError("another backup is being made, or fetched"),
                   kReasonBackupUnderWay));
  }
  auto stream = std::make_shared<BackupStream>(environment_, context, std::move(authorization),
                                               executor_, std::move(turn));
  if (absl::Status added = environment_->registry->Add(stream); !added.ok()) {
    return RefuseStream<Reactor>(added);
  }
  stream->Start();
  return stream.get();  // the registry owns it until OnDone
}

BackupStream::Turn BackupServiceImpl::TakeTurn() const {
  if (taken_->exchange(true)) return nullptr;
  return BackupStream::Turn(taken_.get(), [taken = taken_](void*) { *taken = false; });
}

}  // namespace onhook
