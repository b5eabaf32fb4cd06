#ifndef ONHOOK_GATEWAY_HTTP_CONNECTION_STREAM_H_
#define ONHOOK_GATEWAY_HTTP_CONNECTION_STREAM_H_

#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// The bytes of one connection in both directions, plain or encrypted: what the connection layer
// knows of a socket.
//
// Threads: the connection's own. Blocking: Read and Write, up to the time they are given.
class ConnectionStream {
 public:
  virtual ~ConnectionStream() = default;

  // Waits up to `wait` for at least one byte. OK: how many came; 0 means that the peer will send
  // no more. kDeadlineExceeded: none came in time. kUnavailable: the connection is broken.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size, absl::Duration wait) = 0;

  // Sends all of `bytes`. Errors leave an unknown part of them sent: kDeadlineExceeded the peer
  // did not take them within `wait`, kUnavailable the connection is broken.
  virtual absl::Status Write(absl::string_view bytes, absl::Duration wait) = 0;

  // Tells the peer that nothing more comes. Reading goes on.
  virtual void FinishWriting() = 0;
};

// Waits until `socket` is ready for `events` of poll(2). kDeadlineExceeded: it was not before
// `deadline`, of Clock::Elapsed(). kUnavailable: it is no socket any more.
absl::Status WaitForSocket(int socket, short events, absl::Duration deadline, const Clock& clock);

// A TCP socket as it is.
class PlainStream final : public ConnectionStream {
 public:
  // Does not own `fd`, a blocking socket whose own receive timeout (SO_RCVTIMEO) is `own_timeout`:
  // to Read with exactly that wait is one system call, so it should be the wait that is used most.
  // `on_write_waits`, unless empty, is told when a Write begins to wait for the peer, and when that
  // is over.
  PlainStream(int fd, absl::Duration own_timeout, const Clock* clock,
              std::function<void(bool waits)> on_write_waits = nullptr)
      : fd_(fd),
        own_timeout_(own_timeout),
        clock_(clock),
        on_write_waits_(std::move(on_write_waits)) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size, absl::Duration wait) override;
  absl::Status Write(absl::string_view bytes, absl::Duration wait) override;
  void FinishWriting() override;

  // The same as Read, of one byte that the next Read will get again.
  absl::StatusOr<size_t> Peek(char* byte, absl::Duration wait);

 private:
  absl::StatusOr<size_t> Receive(char* buffer, size_t size, int flags, absl::Duration wait);

  const int fd_;
  const absl::Duration own_timeout_;
  const Clock* const clock_;
  const std::function<void(bool waits)> on_write_waits_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_STREAM_H_
