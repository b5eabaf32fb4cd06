#include "tests/bench/stalled_readers.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

StalledReaders::StalledReaders(const std::string& server, int count) {
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments own_connection;
    own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    Reader reader;
    reader.stub = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), own_connection));
    reader.context = std::make_unique<grpc::ClientContext>();
    reader.stream = reader.stub->Subscribe(reader.context.get());
    v1::SubscribeRequest open;
    open.mutable_open()->set_subscription(absl::StrCat("stalled-", i));
    open.mutable_open()->mutable_create_if_missing();
    v1::SubscribeResponse opened;
    opened_ = opened_ && reader.stream->Write(open) && reader.stream->Read(&opened) &&
              opened.has_opened();
    readers_.push_back(std::move(reader));
  }
}

StalledReaders::~StalledReaders() {
  for (Reader& reader : readers_) {
    reader.context->TryCancel();
    v1::SubscribeResponse response;
    while (reader.stream->Read(&response)) continue;
    reader.stream->Finish();
  }
}

}  // namespace onhook
