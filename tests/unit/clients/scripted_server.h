#ifndef ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace onhook::client {

// Listens on a port of its own, says the same to everybody who connects once they have said
// something, and then closes, or says nothing more.
class ScriptedServer {
 public:
  enum class Then { kClose, kKeepOpen };

  ScriptedServer(std::string words, Then then) : words_(std::move(words)), then_(then) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(listening_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listening_, 16);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    for (const int peer : kept_) ::close(peer);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  void Serve() {
    for (int peer = ::accept(listening_, nullptr, nullptr); peer >= 0;
         peer = ::accept(listening_, nullptr, nullptr)) {
      char heard[4096];
      (void)::recv(peer, heard, sizeof(heard), 0);
      (void)::send(peer, words_.data(), words_.size(), MSG_NOSIGNAL);
      if (then_ == Then::kClose) {
        ::close(peer);
      } else {
        kept_.push_back(peer);
      }
    }
  }

  const std::string words_;
  const Then then_;
  int listening_ = -1;
  int port_ = 0;
  std::vector<int> kept_;  // the thread's
  std::thread thread_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_
