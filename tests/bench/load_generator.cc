#include "tests/bench/load_generator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
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

// How long events are waited for at most, so that the end of a run is not missed by more.
constexpr absl::Duration kMoment = absl::Milliseconds(5);

// How often a server that takes no connections is tried again.
constexpr absl::Duration kBetweenTries = absl::Milliseconds(20);

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
    : options_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      request_(options.body_bytes),
      next_number_(options.first_number) {
  connections_.resize(static_cast<size_t>(options_.connections) +
                      static_cast<size_t>(options_.idle_connections));
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
  // A post that is due shall not wait for the kernel to gather wakes.
  prctl(PR_SET_TIMERSLACK, 1);
  LoadResult result;
  OpenClosed();
  posted_ = 0;
  posts_ = options_.posts;
  const absl::Duration cpu_before = CpuOfThisThread();
  started_ = absl::Now();
  ready_since_ = started_;
  EndAt(started_ + duration);
  while ((HasPosts() || waiting_ > 0) && absl::Now() < deadline_ + options_.last_answers) {
    if (stopping_.exchange(false)) EndAt(absl::Now());
    OpenClosed();
    PostWhereDue(result);
    TakeEvents(result);
  }
  result.elapsed = absl::Now() - started_;
  result.cpu = CpuOfThisThread() - cpu_before;
  GiveUp(result);
  std::sort(result.latencies.begin(), result.latencies.end());
  return result;
}

void LoadGenerator::EndAt(absl::Time end) {
  deadline_ = end;
  if (options_.rate == 0) return;
  const double due = std::ceil(options_.rate * absl::ToDoubleSeconds(end - started_));
  posts_ = std::min(posts_, static_cast<int64_t>(due));
}

bool LoadGenerator::HasPosts() const {
  if (posted_ >= posts_ && again_.empty()) return false;
  // With a rate, what was due before the end is owed, however late.
  const absl::Duration late = options_.rate > 0 ? options_.last_answers : absl::ZeroDuration();
  return absl::Now() < deadline_ + late;
}

absl::Time LoadGenerator::DueAt(int64_t post) const {
  return started_ + absl::Seconds(static_cast<double>(post) / options_.rate);
}

void LoadGenerator::GiveUp(LoadResult& result) {
  const absl::Time now = absl::Now();
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (!connection.waiting) continue;
    connection.waiting = false;
    --waiting_;
    ++result.lost;
    result.latencies.push_back(now - connection.posting.since);
    close(connection.socket);
    connection.socket = -1;
  }
  for (const Posting& each : again_) result.latencies.push_back(now - each.since);
  again_.clear();
  for (; options_.rate > 0 && posted_ < posts_; ++posted_) {
    ++result.lost;
    result.latencies.push_back(now - DueAt(posted_));
  }
}

void LoadGenerator::OpenClosed() {
  const absl::Time now = absl::Now();
  if (now < opened_at_ + kBetweenTries) return;
  opened_at_ = now;
  for (size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].socket < 0) Open(i);
  }
}

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
  if (!connection.idle) Free(index);
}

void LoadGenerator::Free(size_t index) {
  if (ready_.empty()) ready_since_ = absl::Now();
  ready_.push_back(index);
}

void LoadGenerator::PostWhereDue(LoadResult& result) {
  while (!ready_.empty() && HasPosts()) {
    const bool is_due = !again_.empty() || options_.rate == 0 || DueAt(posted_) <= absl::Now();
    if (!is_due) return;
    const size_t index = ready_.back();
    const Posting posting = NextPosting(result);
    ready_.pop_back();
    Post(index, posting, result);
  }
}

LoadGenerator::Posting LoadGenerator::NextPosting(LoadResult& result) {
  Posting posting;
  if (!again_.empty()) {
    posting = again_.front();
    again_.pop_front();
    return posting;
  }
  posting.number = options_.same_body ? options_.first_number : next_number_;
  next_number_ = posting.number + 1;
  posting.since = absl::Now();
  if (options_.rate > 0) {
    const absl::Time due = DueAt(posted_);
    result.behind = std::max(result.behind, posting.since - std::max(due, ready_since_));
    posting.since = due;
  }
  ++posted_;
  return posting;
}

void LoadGenerator::Post(size_t index, const Posting& posting, LoadResult& result) {
  Connection& connection = connections_[index];
  connection.posting = posting;
  connection.waiting = true;
  ++waiting_;
  const absl::string_view request = request_.WithNumber(posting.number);
  // One request at a time always fits an empty socket buffer.
  const ssize_t sent = send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) Lose(index, result);
}

void LoadGenerator::TakeEvents(LoadResult& result) {
  absl::Duration patience = kMoment;
  if (options_.rate > 0 && !ready_.empty() && posted_ < posts_) {
    patience = std::clamp(DueAt(posted_) - absl::Now(), absl::ZeroDuration(), kMoment);
  }
  const timespec timeout = absl::ToTimespec(patience);
  const int count = epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &timeout,
                                 /*sigmask=*/nullptr);
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
  result.latencies.push_back(absl::Now() - connection.posting.since);
  Count(absl::string_view(connection.received).substr(0, length), result);
  connection.received.erase(0, length);
  connection.waiting = false;
  --waiting_;
  Free(index);
  PostWhereDue(result);
}

void LoadGenerator::Lose(size_t index, LoadResult& result) {
  Connection& connection = connections_[index];
  if (connection.waiting) {
    connection.waiting = false;
    --waiting_;
    ++result.lost;
    again_.push_back(connection.posting);
  }
  ready_.erase(std::remove(ready_.begin(), ready_.end(), index), ready_.end());
  close(connection.socket);
  connection.socket = -1;
  Open(index);
  if (connection.socket < 0) ++result.lost;
}

}  // namespace onhook
