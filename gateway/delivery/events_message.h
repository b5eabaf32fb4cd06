#ifndef ONHOOK_GATEWAY_DELIVERY_EVENTS_MESSAGE_H_
#define ONHOOK_GATEWAY_DELIVERY_EVENTS_MESSAGE_H_

#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace onhook {

// A response full of events, put together in the memory that gRPC sends. An event's bytes are
// copied into it from the log, once; what goes beside an event is written by generated code.
//
// Why not as one message in an arena: events would be copied twice, and each would take memory
// several times, which was a sixth of what a delivery cost.
//
// Threads: one at a time. Blocking: never. Errors: none.
class EventsMessage {
 public:
  // What goes beside an event's bytes, about.
  static constexpr size_t kUsuallyBeside = 160;

  // `about`: bytes that are to be added. A wrong guess costs memory or time, and nothing else.
  explicit EventsMessage(size_t about) : left_(about) { slices_.emplace_back(); }
  ~EventsMessage() { CloseSlice(); }
  EventsMessage(const EventsMessage&) = delete;
  EventsMessage& operator=(const EventsMessage&) = delete;

  // Adds one more to the repeated `field`: `carrier`, whose `event` is not set, and with it
  // `event`.
  template <typename Carrier>
  void Add(int field, const Carrier& carrier, const std::string& event) {
    using google::protobuf::internal::WireFormatLite;
    constexpr int kEvent = Carrier::kEventFieldNumber;
    const size_t size = carrier.ByteSizeLong() +
                        WireFormatLite::TagSize(kEvent, WireFormatLite::TYPE_BYTES) +
                        WireFormatLite::BytesSize(event);
    MakeRoomFor(kMostHead + size);
    end_ = WriteHead(field, size, end_);
    end_ = carrier.SerializeWithCachedSizesToArray(end_);
    end_ = WireFormatLite::WriteBytesToArray(kEvent, event, end_);
  }

  // All that was added, as the `field` of a response. To be called once.
  grpc::ByteBuffer AsField(int field);

 private:
  static constexpr size_t kMostHead = 10;  // a tag and a length take five bytes each

  // Of a field whose content takes `size` bytes. Returns where that is to be written.
  static uint8_t* WriteHead(int field, size_t size, uint8_t* to);
  // Behind end_.
  void MakeRoomFor(size_t bytes);
  // The slice under way is one of the message.
  void CloseSlice();

  size_t left_;      // bytes that are to come, about
  size_t size_ = 0;  // of the slices but for the first, which is to be the head
  std::vector<grpc::Slice> slices_;
  // The slice under way, if any: where it is written on, and where its memory ends.
  grpc_slice raw_ = grpc_empty_slice();
  uint8_t* end_ = nullptr;
  uint8_t* limit_ = nullptr;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_EVENTS_MESSAGE_H_
