#ifndef ONHOOK_TESTS_BENCH_STALLED_READERS_H_
#define ONHOOK_TESTS_BENCH_STALLED_READERS_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// Subscribers of the worst kind: each opens a stream of a subscription of its own, which begins
// with the oldest event, over a connection of its own, and then takes nothing from it.
//
// Threads: one. Blocking: the constructor, until every stream is being served; the destructor
// until the streams have ended, which it asks for.
class StalledReaders {
 public:
  StalledReaders(const std::string& server, int count);
  ~StalledReaders();

  // Whether every stream was opened.
  bool opened() const { return opened_; }

 private:
  using Stream = grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>;
  struct Reader {
    std::unique_ptr<v1::ReleaseEventService::Stub> stub;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<Stream> stream;
  };

  std::vector<Reader> readers_;
  bool opened_ = true;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_STALLED_READERS_H_
