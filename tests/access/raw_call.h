#ifndef ONHOOK_TESTS_ACCESS_RAW_CALL_H_
#define ONHOOK_TESTS_ACCESS_RAW_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace onhook {

// All that a client got of one call.
struct RawAnswer {
  grpc::Status status;
  std::vector<std::string> messages;  // as they came over the wire
  std::string metadata;               // of its beginning and its end, in one text

  // Every byte of the server's own.
  std::string Text() const;
};

using RawMetadata = std::vector<std::pair<std::string, std::string>>;

// Makes a call of any kind, from names and bytes alone: sends `requests`, says that there are no
// more, and takes what comes, up to `enough` messages. Blocking: for 30 s at most.
RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                  const std::vector<std::string>& requests, const RawMetadata& metadata,
                  size_t enough = 1);

}  // namespace onhook

#endif  // ONHOOK_TESTS_ACCESS_RAW_CALL_H_
