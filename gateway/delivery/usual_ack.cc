#include "gateway/delivery/usual_ack.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/slice.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "gateway/delivery/settle_requests.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr uint32_t TagOf(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}

constexpr uint32_t kAck =
    TagOf(v1::SubscribeRequest::kAckFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr uint32_t kRequestId =
    TagOf(v1::AckRequest::kRequestIdFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr uint32_t kDeliveryIds =
    TagOf(v1::AckRequest::kDeliveryIdsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// Reads a length, and sees that so much is there.
bool ReadLength(CodedInputStream& in, int size, int& length) {
  uint32_t read = 0;
  if (!in.ReadVarint32(&read) || read > static_cast<uint32_t>(size - in.CurrentPosition())) {
    return false;
  }
  length = static_cast<int>(read);
  return true;
}

bool ReadId(CodedInputStream& in, absl::string_view bytes, std::vector<std::string>& ids) {
  int length = 0;
  if (!ReadLength(in, static_cast<int>(bytes.size()), length)) return false;
  const absl::string_view id =
      bytes.substr(static_cast<size_t>(in.CurrentPosition()), static_cast<size_t>(length));
  if (!std::all_of(id.begin(), id.end(), absl::ascii_isascii)) return false;
  // They are all about as long.
  if (ids.empty()) ids.reserve(std::min<size_t>(bytes.size() / (id.size() + 2), kMostDeliveryIds));
  ids.emplace_back(id);
  return ids.size() <= kMostDeliveryIds && in.Skip(length);
}

}  // namespace

std::optional<UsualAck> ReadUsualAck(const grpc::ByteBuffer& message) {
  grpc::Slice slice;
  if (!message.TrySingleSlice(&slice).ok() && !message.DumpToSingleSlice(&slice).ok()) {
    return std::nullopt;
  }
  const auto size = static_cast<int>(slice.size());
  const absl::string_view bytes(reinterpret_cast<const char*>(slice.begin()), slice.size());
  CodedInputStream in(slice.begin(), size);
  int length = 0;
  if (in.ReadTag() != kAck || !ReadLength(in, size, length) ||
      in.CurrentPosition() + length != size) {
    return std::nullopt;
  }
  UsualAck ack;
  while (in.CurrentPosition() < size) {
    const uint32_t tag = in.ReadTag();
    const bool known = (tag == kRequestId && in.ReadVarint64(&ack.request_id)) ||
                       (tag == kDeliveryIds && ReadId(in, bytes, ack.request.delivery_ids));
    if (!known) return std::nullopt;
  }
  return ack;
}

}  // namespace onhook
