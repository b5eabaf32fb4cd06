#include "tests/bench/idle_streams.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

IdleStreams::IdleStreams(const std::string& server, int count, int subscriptions) {
  for (int i = 0; i < count && opened_; ++i) {
    grpc::ChannelArguments own_connection;
    own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    Idler idler;
    idler.stub = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), own_connection));
    idler.context = std::make_unique<grpc::ClientContext>();
    idler.stream = idler.stub->Subscribe(idler.context.get());
    v1::SubscribeRequest open;
    open.mutable_open()->set_subscription(absl::StrCat("idle-", i % subscriptions));
    open.mutable_open()->mutable_create_if_missing()->mutable_filter()->add_sources("nobody");
    v1::SubscribeResponse opened;
    opened_ = idler.stream->Write(open) && idler.stream->Read(&opened) && opened.has_opened();
    idlers_.push_back(std::move(idler));
  }
}

IdleStreams::~IdleStreams() {
  for (Idler& idler : idlers_) idler.context->TryCancel();
  for (Idler& idler : idlers_) {
    v1::SubscribeResponse response;
    while (idler.stream->Read(&response)) continue;
    idler.stream->Finish();
  }
}

}  // namespace onhook
