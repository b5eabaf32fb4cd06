#ifndef ONHOOK_GATEWAY_DELIVERY_REFUSED_STREAM_H_
#define ONHOOK_GATEWAY_DELIVERY_REFUSED_STREAM_H_

#include "absl/status/status.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {

// A stream that is ended before it began.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& why) { this->Finish(ToGrpcStatus(why)); }
  void OnDone() override { delete this; }
};

template <typename Reactor>
Reactor* RefuseStream(const absl::Status& why) {
  return new RefusedStream<Reactor>(why);  // deletes itself, as gRPC wants it
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REFUSED_STREAM_H_
