#include "tests/support/raw_http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace onhook {

RawHttpClient::RawHttpClient() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{10, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

RawHttpClient& RawHttpClient::From(const std::string& address) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &own.sin_addr);
  bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof(own));
  return *this;
}

RawHttpClient& RawHttpClient::Connect(int port, const std::string& host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  return *this;
}

RawHttpClient::~RawHttpClient() { close(socket_); }

RawHttpClient& RawHttpClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return *this;
}

RawHttpClient& RawHttpClient::FinishSending() {
  shutdown(socket_, SHUT_WR);
  return *this;
}

RawAnswer RawHttpClient::ReadAnswer(bool with_body) {
  RawAnswer answer;
  size_t head_end;
  while ((head_end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore()) return answer;
  }
  answer.head = unread_.substr(0, head_end + 4);
  unread_.erase(0, head_end + 4);
  int status = 0;
  if (!absl::SimpleAtoi(answer.head.substr(9, 3), &status)) return answer;

  const std::string lower = absl::AsciiStrToLower(answer.head);
  const size_t length_at = lower.find("\r\ncontent-length: ");
  size_t length = 0;
  if (with_body && length_at != std::string::npos) {
    const size_t digits = length_at + 18;
    if (!absl::SimpleAtoi(lower.substr(digits, lower.find('\r', digits) - digits), &length)) {
      return answer;
    }
  }
  while (unread_.size() < length) {
    if (!ReadMore()) return answer;
  }
  answer.body = unread_.substr(0, length);
  unread_.erase(0, length);
  answer.status = status;
  return answer;
}

size_t RawHttpClient::Sip() {
  char few[32];
  const ssize_t got = Receive(few, sizeof(few));
  return got > 0 ? static_cast<size_t>(got) : 0;
}

bool RawHttpClient::IsClosed() {
  char byte;
  return unread_.empty() && Receive(&byte, 1) == 0;
}

ssize_t RawHttpClient::Receive(char* buffer, size_t size) { return recv(socket_, buffer, size, 0); }

bool RawHttpClient::ReadMore() {
  char buffer[4096];
  const ssize_t got = Receive(buffer, sizeof(buffer));
  if (got <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(got));
  return true;
}

}  // namespace onhook
