#include "gateway/base/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr time_t kLongestSendSeconds = 1;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Of CLOCK_MONOTONIC, which the protocol asks for by name: by it the manager tells the news of this
// reload from those of one before.
int64_t MonotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::ToInt64Microseconds(absl::DurationFromTimespec(now));
}

absl::Status Failed(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status Send(const std::string& name, absl::string_view news) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name.front() != '/' && name.front() != '@') || name.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("NOTIFY_SOCKET is neither a path nor an abstract name");
  }
  name.copy(address.sun_path, sizeof(address.sun_path));
  // An abstract name begins with a zero byte, and ends where the address does.
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Failed("no socket");
  const timeval longest{kLongestSendSeconds, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest));
  absl::Status sent;
  if (sendto(descriptor, news.data(), news.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    sent = Failed("not taken");
  }
  close(descriptor);
  return sent;
}

}  // namespace

ServiceManager::ServiceManager(std::string socket, const Log* log)
    : socket_(std::move(socket)), log_(log) {}

ServiceManager ServiceManager::FromEnvironment(const Log* log) {
  ServiceManager manager(Variable("NOTIFY_SOCKET"), log);
  // Whose watchdog it is, is said where a manager starts a shell that starts us.
  int64_t process = 0;
  const bool is_ours = !absl::SimpleAtoi(Variable("WATCHDOG_PID"), &process) || process == getpid();
  int64_t microseconds = 0;
  if (is_ours && absl::SimpleAtoi(Variable("WATCHDOG_USEC"), &microseconds) && microseconds > 0) {
    manager.watchdog_ = absl::Microseconds(microseconds);
  }
  return manager;
}

void ServiceManager::Ready() const { Tell("READY=1"); }

void ServiceManager::Reloading() const {
  Tell(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", MonotonicMicroseconds()));
}

void ServiceManager::Stopping() const { Tell("STOPPING=1"); }

void ServiceManager::KeepAlive() const { Tell("WATCHDOG=1"); }

void ServiceManager::Tell(absl::string_view news) const {
  if (socket_.empty()) return;
  if (const absl::Status sent = Send(socket_, news); !sent.ok()) {
    log_->Warning("base", "the service manager that started this cannot be told",
                  {{"news", news}, {"error", sent}});
  }
}

}  // namespace onhook
