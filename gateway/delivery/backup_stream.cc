#include "gateway/delivery/backup_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <string>
#include <utility>

#include "gateway/delivery/proto_time.h"

namespace onhook {
namespace {

// Large enough that a call for each costs nothing, small enough to be beside others on a
// connection.
constexpr size_t kChunkBytes = 256 << 10;

grpc::ByteBuffer Encode(const v1::CreateBackupResponse& response) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  grpc::SerializationTraits<v1::CreateBackupResponse>::Serialize(response, &bytes, &own_buffer);
  return bytes;
}

grpc::ByteBuffer EncodeHeader(const BackupFacts& facts) {
  v1::CreateBackupResponse response;
  v1::BackupHeader& header = *response.mutable_header();
  header.set_store_id(facts.store_id);
  header.set_format(facts.format);
  *header.mutable_taken_at() = ToProto(facts.taken_at);
  header.set_newest_sequence(facts.newest);
  if (facts.newest > 0) *header.mutable_newest_received_at() = ToProto(facts.newest_received_at);
  header.set_events(facts.events);
  header.set_corrupt_events(facts.corrupt_events);
  header.set_size_bytes(facts.bytes);
  return Encode(response);
}

}  // namespace

BackupStream::BackupStream(const StreamEnvironment* environment,
                           grpc::CallbackServerContext* context,
                           std::unique_ptr<CallAuthorization> authorization,
                           SerialExecutor* executor, Turn turn)
    : DeliveryStream(environment, context, std::move(authorization)),
      executor_(executor),
      turn_(std::move(turn)) {
  request_taken_ = true;
}

bool BackupStream::SendPart() {
  Part part;
  {
    absl::MutexLock lock(&mutex_);
    if (writing_ || !control_.empty() || !next_.has_value()) return false;
    part = *std::move(next_);
    next_.reset();
    last_sent_ = part.is_last;
  }
  WriteEvents(part.message, {});
  return true;
}

bool BackupStream::EndAfterLast() {
  absl::MutexLock lock(&mutex_);
  if (!last_sent_ || writing_) return false;
  end_ = absl::OkStatus();
  return true;
}

bool BackupStream::FetchNext() {
  {
    absl::MutexLock lock(&mutex_);
    if (fetching_ || next_.has_value() || last_sent_) return false;
    fetching_ = true;
  }
  auto self = std::static_pointer_cast<BackupStream>(shared_from_this());
  const bool taken = executor_->Run([self] { self->Work(); });
  if (!taken) End(absl::UnavailableError("the gateway is about to stop"));
  return true;
}

void BackupStream::Work() {
  if (abandoned_) return DropCopy();
  absl::StatusOr<Part> part = NextPart();
  if (!part.ok()) return End(part.status());
  {
    absl::MutexLock lock(&mutex_);
    next_ = *std::move(part);
    fetching_ = false;
  }
  Step();
}

absl::StatusOr<BackupStream::Part> BackupStream::NextPart() {
  if (copy_ == nullptr) return MakeCopy();
  Part part;
  v1::CreateBackupResponse response;
  if (offset_ == copy_->facts().bytes) {
    response.mutable_trailer()->set_sha256(copy_->facts().sha256);
    part.is_last = true;
  } else {
    absl::StatusOr<std::string> chunk = copy_->Read(offset_, kChunkBytes);
    if (!chunk.ok()) return chunk.status();
    if (chunk->empty()) return absl::InternalError("the copy is shorter than it was");
    offset_ += static_cast<int64_t>(chunk->size());
    response.set_chunk(*std::move(chunk));
  }
  part.message = Encode(response);
  return part;
}

absl::StatusOr<BackupStream::Part> BackupStream::MakeCopy() {
  absl::StatusOr<std::unique_ptr<BackupCopy>> copy = environment().store->MakeBackup([this] {
    return abandoned_ ? absl::CancelledError("nobody waits for it any more") : absl::OkStatus();
  });
  if (!copy.ok()) return copy.status();
  copy_ = *std::move(copy);
  Part part;
  part.message = EncodeHeader(copy_->facts());
  return part;
}

void BackupStream::DropCopy() {
  copy_.reset();
  turn_.reset();
}

void BackupStream::Release(bool lost) {
  bool complete = false;
  std::string status;
  {
    absl::MutexLock lock(&mutex_);
    complete = last_sent_ && !lost;
    if (end_.has_value()) status = absl::StatusCodeToString(end_->code());
  }
  abandoned_ = true;
  const std::string identity = authorization().identity();
  environment().log->Info("delivery", complete ? "a backup was made" : "a backup was given up",
                          {{"identity", identity.empty() ? "anybody" : identity},
                           {"status", lost ? "the client is gone" : status}});
  // Behind what is under way. If it is not taken, the copy goes with the stream.
  auto self = std::static_pointer_cast<BackupStream>(shared_from_this());
  executor_->Run([self] { self->DropCopy(); });
}

// It is never idle in a way that a client should be told of.
grpc::ByteBuffer BackupStream::Heartbeat() const { return Encode({}); }

// What a backup's client has is of no use without the rest, so there is nothing to tell.
grpc::ByteBuffer BackupStream::EncodeGoAway(const v1::GoAway&) const { return Encode({}); }

}  // namespace onhook
