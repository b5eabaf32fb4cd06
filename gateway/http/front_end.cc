#include "gateway/http/front_end.h"

#include <httplib.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace onhook {
namespace {

// A request on its way through httplib, which hands its callbacks no context of ours.
struct Call {
  const FrontEnd::Exchange& exchange;
  ConnectionStream& stream;
  HttpResponse response;  // but for the body, which httplib has
  size_t body_bytes = 0;
  absl::Status sent;
};
thread_local Call* current_call = nullptr;

// What httplib reads and writes of one exchange. The request has been read and checked by us, so
// httplib is shown only what decides the form of its answer: whether a body may follow the head.
class ExchangeStream final : public httplib::Stream {
 public:
  explicit ExchangeStream(Call& call)
      : call_(call),
        unread_(call.exchange.is_head ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n") {}

  ssize_t read(char* to, size_t size) override {
    const size_t count = std::min(size, unread_.size());
    unread_.copy(to, count);
    unread_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, size_t size) override {
    call_.sent = call_.stream.Write(absl::string_view(from, size), call_.exchange.write_timeout);
    return call_.sent.ok() ? static_cast<ssize_t>(size) : -1;
  }
  bool is_readable() const override { return !unread_.empty(); }
  bool wait_readable() const override { return !unread_.empty(); }
  bool wait_writable() const override { return true; }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  time_t duration() const override { return 0; }

 private:
  Call& call_;
  absl::string_view unread_;
};

bool IsSafe(absl::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char byte) { return absl::ascii_iscntrl(byte); });
}

// The Date of an answer. Each connection's thread formats it once a second at most.
absl::string_view DateText(const Clock& clock) {
  thread_local int64_t second = -1;
  thread_local std::string text;
  const int64_t now = absl::ToUnixSeconds(clock.Now());
  if (now != second) {
    second = now;
    text = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromUnixSeconds(now),
                            absl::UTCTimeZone());
  }
  return text;
}

// Room for what answers have but for headers of their own.
constexpr size_t kUsualHeaderBytes = 256;

std::string HeaderLines(const Call& call, const Clock& clock) {
  const HttpResponse& response = call.response;
  std::string lines;
  lines.reserve(kUsualHeaderBytes);
  absl::StrAppend(&lines, "Date: ", DateText(clock), "\r\n");
  if (IsSafe(response.content_type) && !response.content_type.empty()) {
    absl::StrAppend(&lines, "Content-Type: ", response.content_type, "\r\n");
  }
  if (response.status != 204 && response.status != 304) {
    absl::StrAppend(&lines, "Content-Length: ", call.body_bytes, "\r\n");
  }
  if (response.close) {
    absl::StrAppend(&lines, "Connection: close\r\n");
  } else if (call.exchange.is_http_1_0) {
    absl::StrAppend(&lines, "Connection: keep-alive\r\n");
  }
  for (const auto& [name, value] : response.headers) {
    if (IsSafe(name) && IsSafe(value)) absl::StrAppend(&lines, name, ": ", value, "\r\n");
  }
  lines += "\r\n";
  return lines;
}

// Gives httplib the part of the answer that it sends by itself.
void Fill(HttpResponse response, httplib::Response& answer) {
  answer.status = response.status;
  current_call->body_bytes = response.body.size();
  answer.body = std::move(response.body);
  current_call->response = std::move(response);
}

}  // namespace

class FrontEnd::Server final : public httplib::Server {
 public:
  explicit Server(const Clock* clock) : clock_(clock) {
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& answer) {
      Fill(current_call->exchange.respond(), answer);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& answer, std::exception_ptr) {
          Fill(current_call->exchange.respond_after_exception(), answer);
        });
    set_header_writer([this](httplib::Stream& stream, httplib::Headers&) {
      return stream.write(HeaderLines(*current_call, *clock_));
    });
  }

  bool Answer(const Exchange& exchange, ConnectionStream& stream) {
    Call call{exchange, stream, {}, 0, {}};
    // To respond may be to commit for others too, and to answer them within this.
    Call* const outer = std::exchange(current_call, &call);
    ExchangeStream exchange_stream(call);
    bool closed = false;
    process_request(exchange_stream, nobody_, 0, nobody_, 0, /*close_connection=*/true, closed,
                    no_setup_);
    current_call = outer;
    return call.sent.ok() && !call.response.close;
  }

 private:
  const Clock* const clock_;
  const std::string nobody_;  // the peer's address is in HttpRequest, from the socket
  const std::function<void(httplib::Request&)> no_setup_;
};

FrontEnd::FrontEnd(const Clock* clock) : server_(std::make_unique<Server>(clock)) {}

FrontEnd::~FrontEnd() = default;

bool FrontEnd::Answer(const Exchange& exchange, ConnectionStream& stream) {
  return server_->Answer(exchange, stream);
}

}  // namespace onhook
