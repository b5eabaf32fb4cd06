#include "tests/access/raw_call.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/str_cat.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

using Pairs = std::multimap<grpc::string_ref, grpc::string_ref>;

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

std::string TextOf(const Pairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    absl::StrAppend(&text, std::string(name.data(), name.size()), "=",
                    std::string(value.data(), value.size()), "\n");
  }
  return text;
}

}  // namespace

std::string RawAnswer::Text() const {
  std::string text =
      absl::StrCat(metadata, status.error_message(), "\n", status.error_details(), "\n");
  for (const std::string& message : messages) absl::StrAppend(&text, message, "\n");
  return text;
}

RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                  const std::vector<std::string>& requests, const RawMetadata& metadata,
                  size_t enough) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  LimitTime(context);
  for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
  grpc::CompletionQueue queue;
  // One step at a time: whether it succeeded.
  const auto done = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  RawAnswer answer;
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  bool goes_on = done();
  for (const std::string& request : requests) {
    if (!goes_on) break;
    call->Write(BufferOf(request), nullptr);
    goes_on = done();
  }
  if (goes_on) {
    call->WritesDone(nullptr);
    done();
  }
  // Messages may have come although sending failed.
  while (answer.messages.size() < enough) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (!done()) break;
    answer.messages.push_back(BytesOf(message));
  }
  if (answer.messages.size() == enough) context.TryCancel();
  call->Finish(&answer.status, nullptr);
  done();
  answer.metadata =
      TextOf(context.GetServerInitialMetadata()) + TextOf(context.GetServerTrailingMetadata());
  queue.Shutdown();
  return answer;
}

}  // namespace onhook
