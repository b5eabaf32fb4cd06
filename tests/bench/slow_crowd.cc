#include "tests/bench/slow_crowd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace onhook {
namespace {

enum Kind { kIdle, kSlowHead, kSlowBody, kKinds };

constexpr int kAddresses = 10;
// Everybody has a turn in a second, so a head never comes in time.
constexpr int kTurns = 20;
constexpr absl::Duration kTurn = absl::Milliseconds(50);

sockaddr_in AddressOf(const std::string& text, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  return address;
}

void Send(int socket, absl::string_view bytes) {
  (void)send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool HasEnded(int socket) {
  char dropped[256];
  while (true) {
    const ssize_t got = recv(socket, dropped, sizeof(dropped), MSG_DONTWAIT);
    if (got > 0) continue;
    return got == 0 || (errno != EAGAIN && errno != EINPROGRESS);
  }
}

}  // namespace

SlowCrowd::SlowCrowd(const Options& options) : options_(options) {
  for (int i = 0; i < options.of_many + options.of_one; ++i) {
    Member member;
    member.address =
        i < options.of_many ? absl::StrCat("127.0.1.", 1 + i % kAddresses) : "127.0.2.1";
    member.kind = i % kKinds;
    Open(member);
    members_.push_back(member);
  }
  thread_ = std::thread([this] { Run(); });
}

SlowCrowd::~SlowCrowd() {
  stopping_ = true;
  thread_.join();
  for (const Member& member : members_) close(member.socket);
}

void SlowCrowd::Open(Member& member) const {
  member.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in own = AddressOf(member.address, 0);
  bind(member.socket, reinterpret_cast<const sockaddr*>(&own), sizeof(own));
  const sockaddr_in server = AddressOf("127.0.0.1", options_.port);
  (void)connect(member.socket, reinterpret_cast<const sockaddr*>(&server), sizeof(server));
  if (member.kind == kSlowHead) Send(member.socket, "POST /release-events HTTP/1.1\r\nX: ");
  if (member.kind == kSlowBody) {
    Send(member.socket, "POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  }
}

void SlowCrowd::Step(Member& member) {
  if (HasEnded(member.socket)) {
    ++ended_;
    close(member.socket);
    Open(member);
  } else if (member.kind != kIdle) {
    Send(member.socket, "x");
  }
}

void SlowCrowd::Run() {
  for (int turn = 0; !stopping_; turn = (turn + 1) % kTurns) {
    for (size_t i = static_cast<size_t>(turn); i < members_.size(); i += kTurns) Step(members_[i]);
    absl::SleepFor(kTurn);
  }
}

}  // namespace onhook
