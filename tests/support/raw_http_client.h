#ifndef ONHOOK_TESTS_SUPPORT_RAW_HTTP_CLIENT_H_
#define ONHOOK_TESTS_SUPPORT_RAW_HTTP_CLIENT_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// What a server answered.
struct RawAnswer {
  int status = 0;  // 0: the connection ended, or stayed silent for ten seconds, without an answer
  std::string head;
  std::string body;
};

// A client that sends exactly the bytes it is told to, well-formed or not.
//
// Threads: one. Blocking: every call, for ten seconds at most. Errors: a call that fails does
// nothing; the next answer is then empty.
class RawHttpClient {
 public:
  RawHttpClient();  // not yet connected
  explicit RawHttpClient(int port, const std::string& host = "127.0.0.1") : RawHttpClient() {
    Connect(port, host);
  }
  virtual ~RawHttpClient();
  RawHttpClient(const RawHttpClient&) = delete;
  RawHttpClient& operator=(const RawHttpClient&) = delete;

  // Before Connect(): comes from `address`, such as "127.0.0.2".
  RawHttpClient& From(const std::string& address);
  RawHttpClient& Connect(int port, const std::string& host = "127.0.0.1");
  bool connected() const { return connected_; }

  virtual RawHttpClient& Send(absl::string_view bytes);
  // Says that nothing more will be sent.
  virtual RawHttpClient& FinishSending();

  // Reads the next answer: its head, and as much body as Content-Length says.
  RawAnswer ReadAnswer(bool with_body = true);

  // Takes a few bytes of what the server sends, and returns how many; 0 once the connection has
  // ended.
  size_t Sip();

  // Whether the server ends the connection, with nothing more sent.
  bool IsClosed();

 protected:
  // Up to `size` bytes of what the server sends; 0 at its end, negative: nothing came.
  virtual ssize_t Receive(char* buffer, size_t size);

 private:
  bool ReadMore();

  const int socket_;
  bool connected_ = false;
  std::string unread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_RAW_HTTP_CLIENT_H_
