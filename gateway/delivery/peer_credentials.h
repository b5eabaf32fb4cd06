#ifndef ONHOOK_GATEWAY_DELIVERY_PEER_CREDENTIALS_H_
#define ONHOOK_GATEWAY_DELIVERY_PEER_CREDENTIALS_H_

#include <grpcpp/server_context.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/access/access_control.h"

namespace onhook {

// What a call shows of its peer. Threads: any. Blocking: never.

// Of the values of the header "authorization": the one token that they hold after "Bearer ". More
// than one value, or a value of another form: an empty token, which is nobody's.
class BearerHeader {
 public:
  void Add(absl::string_view value);
  // Nothing: no value was added.
  const std::optional<std::string>& token() const { return token_; }

 private:
  std::optional<std::string> token_;
};

// Whether gRPC's name of a peer is that of a connection that came through the Unix-domain socket:
// of those alone it knows no address, but the number of their descriptor.
bool IsUnixSocketPeer(absl::string_view peer);

// Of a call that a handler answers.
PeerCredentials PeerCredentialsOf(const grpc::CallbackServerContext& context);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_PEER_CREDENTIALS_H_
