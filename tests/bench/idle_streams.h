#ifndef ONHOOK_TESTS_BENCH_IDLE_STREAMS_H_
#define ONHOOK_TESTS_BENCH_IDLE_STREAMS_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// Subscribers that have nothing to do: each opens a stream over a connection of its own, of a
// subscription that wants the events of no source there is. So what they cost is what it costs that
// they are there.
//
// Threads: one. Blocking: the constructor, until every stream is being served; the destructor until
// the streams have ended, which it asks for.
class IdleStreams {
 public:
  // They share so many subscriptions, at least one.
  IdleStreams(const std::string& server, int count, int subscriptions);
  ~IdleStreams();
  IdleStreams(const IdleStreams&) = delete;
  IdleStreams& operator=(const IdleStreams&) = delete;

  // Whether every stream was opened.
  bool opened() const { return opened_; }

 private:
  struct Idler {
    std::unique_ptr<v1::ReleaseEventService::Stub> stub;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream;
  };

  std::vector<Idler> idlers_;
  bool opened_ = true;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_IDLE_STREAMS_H_
