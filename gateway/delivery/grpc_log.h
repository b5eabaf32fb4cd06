#ifndef ONHOOK_GATEWAY_DELIVERY_GRPC_LOG_H_
#define ONHOOK_GATEWAY_DELIVERY_GRPC_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"

namespace onhook {

// While it lives, what gRPC has to say of errors goes to our log instead of to standard error: one
// line in ten seconds at most, since a stranger can provoke as many as he likes.
//
// Only the place in gRPC's source is told, not the text, which may repeat what somebody sent; but
// for a handshake that failed, where the text is OpenSSL's own and says what is wrong with a
// certificate. Failed handshakes are counted, onhook_grpc_handshakes_failed_total: gRPC has no
// other way of telling that somebody was turned away there. Global because gRPC's log is: it knows
// one function for the whole process. Of several of these the youngest gets the lines; without any,
// they are dropped. Threads: any. Blocking: as the log does.
class GrpcLog {
 public:
  // `clock` and `log` must outlive it, and so must `metrics`; null: nothing is counted.
  GrpcLog(Metrics* metrics, const Clock* clock, const Log* log);
  ~GrpcLog();
  GrpcLog(const GrpcLog&) = delete;
  GrpcLog& operator=(const GrpcLog&) = delete;
};

// What is told of a line of gRPC's: "tcp_posix.cc:12", and perhaps its text.
std::string TellableOfGrpc(absl::string_view file, int line, absl::string_view message);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_GRPC_LOG_H_
