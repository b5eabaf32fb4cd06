#include "tests/crash/jetstream/nats_question.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace onhook {
namespace {

constexpr timeval kPatience{5, 0};

// A connection that reads lines and pieces. Errors: everything is empty once it has ended.
class Connection {
 public:
  explicit Connection(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    goes_on_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool goes_on() const { return goes_on_; }
  void Send(absl::string_view bytes) {
    while (goes_on_ && !bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      goes_on_ = sent > 0;
      if (goes_on_) bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  std::string ReadLine() {
    size_t end = unread_.find("\r\n");
    while (end == std::string::npos && ReadMore()) end = unread_.find("\r\n");
    return end == std::string::npos ? "" : Take(end, 2);
  }
  std::string Read(size_t bytes) {
    while (unread_.size() < bytes + 2 && ReadMore()) continue;
    return unread_.size() < bytes + 2 ? "" : Take(bytes, 2);
  }

 private:
  bool ReadMore() {
    char buffer[4096];
    const ssize_t size = goes_on_ ? recv(socket_, buffer, sizeof buffer, 0) : 0;
    goes_on_ = size > 0;
    if (goes_on_) unread_.append(buffer, static_cast<size_t>(size));
    return goes_on_;
  }
  std::string Take(size_t bytes, size_t more) {
    std::string taken = unread_.substr(0, bytes);
    unread_.erase(0, bytes + more);
    return taken;
  }

  const int socket_;
  bool goes_on_ = false;
  std::string unread_;
};

}  // namespace

std::string AskNats(int port, absl::string_view subject, absl::string_view body) {
  // An answer goes to whoever in the cluster listens to its subject.
  static std::atomic<int64_t> questions{0};
  const std::string inbox = absl::StrCat("answer.to.", getpid(), ".", ++questions);
  Connection connection(port);
  connection.Send(absl::StrCat("CONNECT {\"verbose\":false}\r\nSUB ", inbox, " 1\r\nPUB ", subject,
                               " ", inbox, " ", body.size(), "\r\n", body, "\r\n"));
  while (connection.goes_on()) {
    const std::string line = connection.ReadLine();
    if (line == "PING") connection.Send("PONG\r\n");
    if (!absl::StartsWith(line, "MSG ")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    size_t bytes = 0;
    return absl::SimpleAtoi(words.back(), &bytes) ? connection.Read(bytes) : "";
  }
  return "";
}

}  // namespace onhook
