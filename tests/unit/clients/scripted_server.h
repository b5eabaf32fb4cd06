#ifndef ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"

namespace onhook::client {

// Listens on a port of its own.
class ListeningServer {
 public:
  ListeningServer() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(listening_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listening_, 16);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~ListeningServer() { ::close(listening_); }
  ListeningServer(const ListeningServer&) = delete;
  ListeningServer& operator=(const ListeningServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  // Hands each connection over and closes it after that, until Stop.
  void ServeEach(const std::function<void(int peer)>& serve) {
    for (int peer = ::accept(listening_, nullptr, nullptr); peer >= 0;
         peer = ::accept(listening_, nullptr, nullptr)) {
      serve(peer);
      ::close(peer);
    }
  }
  void Stop() { ::shutdown(listening_, SHUT_RDWR); }

 private:
  const int listening_;
  int port_ = 0;
};

// Says the same to everybody who connects, once they have said something, and then closes, or says
// nothing more until they go.
class ScriptedServer {
 public:
  enum class Then { kClose, kKeepOpen };

  ScriptedServer(const std::string& words, Then then) {
    thread_ = std::thread([this, words, then] {
      server_.ServeEach([&](int peer) {
        char heard[4096];
        (void)::recv(peer, heard, sizeof(heard), 0);
        (void)::send(peer, words.data(), words.size(), MSG_NOSIGNAL);
        while (then == Then::kKeepOpen && ::recv(peer, heard, sizeof(heard), 0) > 0) {
        }
      });
    });
  }
  ~ScriptedServer() {
    server_.Stop();
    thread_.join();
  }

  std::string address() const { return server_.address(); }

 private:
  ListeningServer server_;
  std::thread thread_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_SCRIPTED_SERVER_H_
