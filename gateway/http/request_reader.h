#ifndef ONHOOK_GATEWAY_HTTP_REQUEST_READER_H_
#define ONHOOK_GATEWAY_HTTP_REQUEST_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/config/http_options.h"
#include "gateway/http/chunked_body.h"
#include "gateway/http/connection_stream.h"
#include "gateway/http/http_message.h"
#include "gateway/http/request_head.h"

namespace onhook {

// Reads the requests of one connection, each to its end and within its budgets of bytes and time,
// and keeps what was sent behind it for the next. A request that comes in one piece costs one
// Read of the stream and no look at the clock.
//
// Threads: one at a time. Blocking: as long as the time limits of HttpOptions; what is called Try,
// never.
class RequestReader {
 public:
  enum class Outcome {
    kRequest,  // request() is whole and checked
    kRefused,  // refusal() says why; nothing more can be read from this connection
    kClosed,   // there is nobody left to answer
    kMore,     // of TryRead: nothing new, or not all of it, has come
    kWaits,    // of TryRead: goes on only with Read, which waits
  };

  // `peer`, `stream` and `clock` must outlive the reader.
  RequestReader(std::shared_ptr<const HttpOptions> options, absl::string_view peer,
                ConnectionStream* stream, const Clock* clock);

  // Of every request from now on: what HttpRequest says of certificates. They must outlive the
  // reader.
  void SetCertificate(absl::string_view certificate_pem, absl::string_view chain_pem) {
    request_.certificate_pem = certificate_pem;
    request_.chain_pem = chain_pem;
  }

  // What holds from the next Read() on; not to be called while one is under way.
  void SetOptions(std::shared_ptr<const HttpOptions> options);

  // Forgets the last request and waits for the first byte of the next. False: the peer has closed,
  // or was silent for the idle timeout.
  bool WaitForRequest();

  // Forgets the last request, and gives back what it took beyond the usual. Not needed before
  // WaitForRequest or TryRead, which do so too, but only once the next request comes.
  void Rest() { BeginNext(); }

  // As WaitForRequest and Read, but without waiting; after kMore it may be called again.
  Outcome TryRead();

  // Whether TryRead has got some of a request, but not all.
  bool HasBegun() const { return begun_; }
  // Of such a request: when its time will be over, of Clock::Elapsed().
  absl::Duration deadline() const { return deadline_; }

  // Whether bytes that belong to the next request have come already.
  bool HasUnread() const { return next_ < end_; }

  // After WaitForRequest(): reads that request. Sends "100 Continue" if its sender waits for it.
  Outcome Read();

  // After kRequest, until WaitForRequest().
  const HttpRequest& request() const { return request_; }
  const RequestHead& head() const { return parser_.head(); }
  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  // Forgets the last request. Whether bytes of the next one have come already.
  bool BeginNext();
  Outcome ReadHead();
  Outcome ReadSizedBody();
  Outcome ReadChunkedBody();
  // Gets more bytes behind end_, until the time since the request's first byte exceeds `budget`.
  Outcome ReadMore(absl::Duration budget);
  // What is left of `budget`, which began with the request.
  absl::Duration Left(absl::Duration budget);
  Outcome ContinueIfAwaited();
  Outcome Refuse(const Refusal& refusal);

  // Makes room for `size` bytes from begin_ on. Afterwards views into the buffer are void.
  void MakeRoom(size_t size);
  void MoveHead();
  absl::string_view unread() const {
    return absl::string_view(buffer_.data() + begin_, end_ - begin_);
  }

  std::shared_ptr<const HttpOptions> options_;
  ConnectionStream* const stream_;
  const Clock* const clock_;

  bool may_wait_ = true;
  bool begun_ = false;
  bool head_is_whole_ = false;
  std::vector<char> buffer_;
  size_t begin_ = 0;                                   // of the request being read
  size_t next_ = 0;                                    // of what follows it, once it is whole
  size_t end_ = 0;                                     // of what has been read
  absl::Duration started_ = absl::InfiniteDuration();  // unknown until a second read is needed
  absl::Duration deadline_;                            // of the last ReadMore

  RequestHeadParser parser_;
  ChunkedBody chunks_;
  HttpRequest request_;
  Refusal refusal_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_REQUEST_READER_H_
