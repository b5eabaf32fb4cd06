#include "gateway/http/connection_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace onhook {
namespace {

// As many as usually come while a commit is under way; more would keep the first ones waiting.
constexpr int kMostTakenTogether = 64;

constexpr absl::Duration kLongestLook = absl::Seconds(1);

}  // namespace

ConnectionWatch::ConnectionWatch(int threads, Callbacks callbacks, const Clock* clock)
    : thread_count_(threads), callbacks_(std::move(callbacks)), clock_(clock) {}

ConnectionWatch::~ConnectionWatch() {
  if (end_ >= 0) {
    const uint64_t once = 1;
    [[maybe_unused]] const ssize_t written = write(end_, &once, sizeof(once));
  }
  for (std::thread& thread : threads_) thread.join();
  if (end_ >= 0) close(end_);
  if (epoll_ >= 0) close(epoll_);
}

absl::Status ConnectionWatch::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  end_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_ < 0 || end_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, end_, &event) != 0) {
    return absl::UnavailableError(absl::ErrnoToStatus(errno, "cannot watch connections").message());
  }
  for (int i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
  return absl::OkStatus();
}

bool ConnectionWatch::Watch(Connection* connection, bool is_new) {
  epoll_event event{};
  // Once, so that it is never taken by two.
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.ptr = connection;
  const int socket = connection->socket();
  connection->GiveAway();
  const int how = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return epoll_ctl(epoll_, how, socket, &event) == 0;
}

void ConnectionWatch::Run() {
  std::array<epoll_event, kMostTakenTogether> events;
  bool ends = false;
  while (!ends) {
    const absl::Duration left = absl::Nanoseconds(next_look_ns_.load()) - clock_->Elapsed();
    const int wait_ms = static_cast<int>(std::max<int64_t>(absl::ToInt64Milliseconds(left) + 1, 0));
    const int count = epoll_wait(epoll_, events.data(), kMostTakenTogether, wait_ms);
    const auto take_all = [&] {
      for (int i = 0; i < count; ++i) {
        auto* const connection = static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
        ends = ends || connection == nullptr;
        if (connection == nullptr) continue;
        connection->TakeOver();
        callbacks_.take(connection);
      }
    };
    if (count > 0 && callbacks_.together != nullptr) {
      callbacks_.together(take_all);
    } else {
      take_all();
    }
    Look();
  }
}

// Whichever thread comes first, for the other may be committing for a while.
void ConnectionWatch::Look() {
  const absl::Duration now = clock_->Elapsed();
  int64_t due_ns = next_look_ns_.load();
  const int64_t longest_ns = absl::ToInt64Nanoseconds(now + kLongestLook);
  if (absl::ToInt64Nanoseconds(now) < due_ns ||
      !next_look_ns_.compare_exchange_strong(due_ns, longest_ns)) {
    return;
  }
  next_look_ns_ = absl::ToInt64Nanoseconds(now + std::min(callbacks_.look(), kLongestLook));
}

}  // namespace onhook
