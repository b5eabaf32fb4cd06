#ifndef ONHOOK_CLIENTS_CPP_PROBE_SOCKET_H_
#define ONHOOK_CLIENTS_CPP_PROBE_SOCKET_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/server_address.h"

namespace onhook::client {

// What a server's first words in the clear say about it.
enum class FirstWords {
  kHttp2,   // gRPC, without TLS
  kHttp1,   // an HTTP server, but not one of gRPC
  kTls,     // a TLS alert: it did not understand us
  kOther,   // something else
  kClosed,  // it went without a word
  kSilent,  // it said nothing until the deadline
};

// A connection that only finds out who is there. Non-blocking underneath, so that each step ends at
// its deadline.
class ProbeSocket {
 public:
  // Connects to the first of the address's endpoints that takes it. Blocking: up to the deadline,
  // but for the look-up of a name, which takes as long as the system's resolver is patient. Errors:
  // kUnavailable, in words, with the reason NAME_NOT_RESOLVED, NOBODY_LISTENS, NO_ANSWER or
  // NOT_REACHED.
  static absl::StatusOr<ProbeSocket> Dial(const ServerAddress& address, absl::Time deadline);

  ProbeSocket(ProbeSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ProbeSocket& operator=(ProbeSocket&&) = delete;
  ~ProbeSocket();

  int descriptor() const { return descriptor_; }

  // Waits until it can be read from, or written to. False: the deadline has passed.
  bool AwaitReadable(absl::Time deadline) const;
  bool AwaitWritable(absl::Time deadline) const;

  // Begins to speak HTTP/2 in the clear, as gRPC without TLS does, and says what came back.
  FirstWords Greet(absl::Time deadline) const;

 private:
  explicit ProbeSocket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

// What a client of HTTP/2 sends first: the preface, and settings without any.
absl::string_view Http2Greeting();

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_PROBE_SOCKET_H_
