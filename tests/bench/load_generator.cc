#include "tests/bench/load_generator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace onhook {
namespace {

// Answers still missing so long after the end of a run count as lost.
constexpr absl::Duration kLastAnswers = absl::Seconds(5);

absl::Duration CpuOfThisThread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

// The length of the answer at the beginning of `bytes`; 0 if it is not whole yet.
size_t AnswerLength(absl::string_view bytes) {
  const size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == absl::string_view::npos) return 0;
  size_t body = 0;
  for (size_t line = bytes.find("\r\n"); line < head_end; line = bytes.find("\r\n", line + 2)) {
    constexpr absl::string_view kName = "content-length:";
    absl::string_view header = bytes.substr(line + 2, head_end - line - 2);
    if (!absl::StartsWithIgnoreCase(header, kName)) continue;
    for (const char each : header.substr(kName.size())) {
      if (each == ' ') continue;
      if (each < '0' || each > '9') break;
      body = body * 10 + static_cast<size_t>(each - '0');
    }
  }
  const size_t length = head_end + 4 + body;
  return bytes.size() >= length ? length : 0;
}

void Count(absl::string_view answer, LoadResult& result) {
  constexpr size_t kStatusAt = sizeof("HTTP/1.1 ") - 1;
  const absl::string_view status = answer.substr(kStatusAt, 3);
  if (status == "200" && absl::StrContains(answer, R"("retCode":"0")")) {
    ++result.accepted;
  } else if (status == "503" && absl::StrContains(answer, R"("retCode":"2")")) {
    ++result.not_forwarded;
  } else {
    ++result.refused;
  }
}

}  // namespace

double LoadResult::requests_per_second() const {
  return static_cast<double>(accepted) / absl::ToDoubleSeconds(elapsed);
}

absl::Duration LoadResult::Percentile(double fraction) const {
  if (latencies.empty()) return absl::ZeroDuration();
  const double rank = std::ceil(fraction * static_cast<double>(latencies.size()));
  return latencies[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

LoadGenerator::LoadGenerator(const Options& options)
    : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)), next_number_(options.first_number) {
  connections_.resize(static_cast<size_t>(options_.connections + options_.idle_connections));
  for (size_t i = 0; i < connections_.size(); ++i) {
    connections_[i].idle = i >= static_cast<size_t>(options_.connections);
  }
}

LoadGenerator::~LoadGenerator() {
  for (const Connection& each : connections_) {
    if (each.socket >= 0) close(each.socket);
  }
  close(epoll_);
}

LoadResult LoadGenerator::Run(absl::Duration duration) {
  LoadResult result;
  for (size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].socket < 0) Open(i);
  }
  posted_ = 0;
  const absl::Duration cpu_before = CpuOfThisThread();
  started_ = absl::Now();
  deadline_ = started_ + duration;
  while (MayPost()) {
    PostWhereDue(result);
    TakeEvents(/*timeout_ms=*/1, result);
  }
  while (waiting_ > 0 && absl::Now() < deadline_ + kLastAnswers) TakeEvents(10, result);
  result.elapsed = absl::Now() - started_;
  result.cpu = CpuOfThisThread() - cpu_before;
  result.lost += waiting_;
  std::sort(result.latencies.begin(), result.latencies.end());
  return result;
}

bool LoadGenerator::MayPost() const { return absl::Now() < deadline_ && posted_ < options_.posts; }

void LoadGenerator::Open(size_t index) {
  Connection& connection = connections_[index];
  connection.received.clear();
  connection.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options_.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0) {
    close(connection.socket);
    connection.socket = -1;
    return;
  }
  const int on = 1;
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = index;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
  if (!connection.idle) ready_.push_back(index);
}

int64_t LoadGenerator::PostsDue() const {
  if (options_.rate == 0) return options_.posts;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - started_);
  return std::min(options_.posts, static_cast<int64_t>(seconds * options_.rate) + 1);
}

void LoadGenerator::PostWhereDue(LoadResult& result) {
  if (ready_.empty()) return;
  const int64_t due = PostsDue();
  while (!ready_.empty() && posted_ < due) {
    const size_t index = ready_.back();
    ready_.pop_back();
    Post(index, result);
  }
}

void LoadGenerator::Post(size_t index, LoadResult& result) {
  Connection& connection = connections_[index];
  const int64_t number = options_.same_body ? options_.first_number : next_number_;
  const absl::string_view request = request_.WithNumber(number);
  next_number_ = number + 1;
  // With a rate, a post that had to wait for a free connection counts from when it was due.
  connection.sent_at = options_.rate == 0
                           ? absl::Now()
                           : started_ + absl::Seconds(static_cast<double>(posted_) / options_.rate);
  ++posted_;
  connection.waiting = true;
  ++waiting_;
  // One request at a time always fits an empty socket buffer.
  const ssize_t sent = send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) Lose(index, result);
}

void LoadGenerator::TakeEvents(int timeout_ms, LoadResult& result) {
  const int count =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const size_t index = events_[static_cast<size_t>(i)].data.u64;
    if (connections_[index].socket >= 0) Receive(index, result);
  }
}

void LoadGenerator::Receive(size_t index, LoadResult& result) {
  Connection& connection = connections_[index];
  char buffer[4096];
  const ssize_t got = recv(connection.socket, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return Lose(index, result);
  connection.received.append(buffer, static_cast<size_t>(got));
  const size_t length = AnswerLength(connection.received);
  if (length == 0 || !connection.waiting) return;
  result.latencies.push_back(absl::Now() - connection.sent_at);
  Count(absl::string_view(connection.received).substr(0, length), result);
  connection.received.erase(0, length);
  connection.waiting = false;
  --waiting_;
  ready_.push_back(index);
  if (MayPost()) PostWhereDue(result);
}

void LoadGenerator::Lose(size_t index, LoadResult& result) {
  Connection& connection = connections_[index];
  if (connection.waiting) {
    connection.waiting = false;
    --waiting_;
    ++result.lost;
  }
  ready_.erase(std::remove(ready_.begin(), ready_.end(), index), ready_.end());
  close(connection.socket);
  connection.socket = -1;
  Open(index);
  if (connection.socket < 0) ++result.lost;
}

}  // namespace onhook
