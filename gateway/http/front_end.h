#ifndef ONHOOK_GATEWAY_HTTP_FRONT_END_H_
#define ONHOOK_GATEWAY_HTTP_FRONT_END_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/http/connection_stream.h"
#include "gateway/http/http_message.h"

namespace onhook {

// cpp-httplib's server, as far as it is used: its processing of a request into an answer. Only this
// class's file includes it, so what it does by itself (accepting and reading sockets, decoding
// headers, answering ranges, upgrading to WebSockets) is out of every client's reach.
//
// Threads: any number at once. Blocking: as said.
class FrontEnd {
 public:
  // One request to be answered.
  struct Exchange {
    bool is_head;      // the method was HEAD: the answer is sent without its body
    bool is_http_1_0;  // the client must be told that its connection goes on
    absl::Duration write_timeout;
    absl::FunctionRef<HttpResponse()> respond;
    absl::FunctionRef<HttpResponse()> respond_after_exception;  // if a library's escapes respond
  };

  // `clock` must outlive the front end.
  explicit FrontEnd(const Clock* clock);
  ~FrontEnd();

  // Lets `exchange` respond and sends what it says in one piece, for its write_timeout at most.
  // Returns whether the connection may go on: all was sent, and the response did not ask to close.
  bool Answer(const Exchange& exchange, ConnectionStream& stream);

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_FRONT_END_H_
