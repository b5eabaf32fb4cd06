#include "gateway/delivery/events_message.h"

#include <algorithm>

namespace onhook {
namespace {

using google::protobuf::internal::WireFormatLite;

// The C library keeps what is freed below this for the next message, and gives larger pieces back
// to the system each time.
constexpr size_t kMostInOneSlice = 64 << 10;

}  // namespace

grpc::ByteBuffer EventsMessage::AsField(int field) {
  CloseSlice();
  uint8_t head[kMostHead];
  const uint8_t* const end_of_head = WriteHead(field, size_, head);
  slices_.front() = grpc::Slice(head, static_cast<size_t>(end_of_head - head));
  return {slices_.data(), slices_.size()};
}

uint8_t* EventsMessage::WriteHead(int field, size_t size, uint8_t* to) {
  to = WireFormatLite::WriteTagToArray(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, to);
  return WireFormatLite::WriteUInt32NoTagToArray(static_cast<uint32_t>(size), to);
}

void EventsMessage::MakeRoomFor(size_t bytes) {
  if (static_cast<size_t>(limit_ - end_) >= bytes) return;
  CloseSlice();
  raw_ = grpc_slice_malloc_large(std::max(bytes, std::min(left_, kMostInOneSlice)));
  end_ = GRPC_SLICE_START_PTR(raw_);
  limit_ = GRPC_SLICE_END_PTR(raw_);
}

void EventsMessage::CloseSlice() {
  if (end_ == nullptr) return;
  const auto used = static_cast<size_t>(end_ - GRPC_SLICE_START_PTR(raw_));
  GRPC_SLICE_SET_LENGTH(raw_, used);
  slices_.emplace_back(raw_, grpc::Slice::STEAL_REF);
  end_ = limit_ = nullptr;
  size_ += used;
  left_ -= std::min(left_, used);
}

}  // namespace onhook
