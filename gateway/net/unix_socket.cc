#include "gateway/net/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

const sockaddr* Plain(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

absl::Status Failed(const std::string& path, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", path, ": ", std::strerror(error)));
}

absl::Status Taken(const std::string& path, absl::string_view by) {
  return absl::AlreadyExistsError(absl::StrCat("cannot listen on ", path, ": ", by));
}

// Whether a socket's file lies at `path` at which nobody listens. Errors: what lies there must
// stay.
absl::StatusOr<bool> IsStale(const std::string& path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return false;
    return Failed(path, errno);
  }
  if (!S_ISSOCK(file.st_mode)) return Taken(path, "there is a file that is no socket");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return Failed(path, errno);
  const sockaddr_un address = AddressOf(path);
  const int error = connect(probe, Plain(address), sizeof(address)) == 0 ? 0 : errno;
  close(probe);
  if (error != ECONNREFUSED) return Taken(path, "somebody listens there");
  return true;
}

absl::Status RemoveStale(const std::string& path) {
  const absl::StatusOr<bool> stale = IsStale(path);
  if (!stale.ok() || !*stale) return stale.status();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Failed(path, errno);
  return absl::OkStatus();
}

absl::Status CheckForm(const std::string& path) {
  if (!path.empty() && path.front() == '/' && path.size() < sizeof(sockaddr_un::sun_path)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' is no absolute path of fewer than ",
                                                 sizeof(sockaddr_un::sun_path), " bytes"));
}

absl::Status BindAndListen(const std::string& path, mode_t mode, int backlog, UnixSocket& opened) {
  const sockaddr_un address = AddressOf(path);
  // The file gets the mode of the unbound socket, less the umask. What the umask took is given back
  // before the socket listens, until when nobody can connect. umask() itself would be that of
  // every thread, which create files too.
  if (fchmod(opened.descriptor, mode) != 0 ||
      bind(opened.descriptor, Plain(address), sizeof(address)) != 0) {
    return errno == EADDRINUSE ? Taken(path, "somebody listens there") : Failed(path, errno);
  }
  struct stat file {};
  if (chmod(path.c_str(), mode) != 0 || lstat(path.c_str(), &file) != 0 ||
      listen(opened.descriptor, backlog) != 0) {
    const int error = errno;
    unlink(path.c_str());
    return Failed(path, error);
  }
  opened.device = file.st_dev;
  opened.inode = file.st_ino;
  return absl::OkStatus();
}

}  // namespace

absl::string_view UnixSocketPath(absl::string_view listen) {
  return absl::ConsumePrefix(&listen, "unix:") ? listen : "";
}

absl::StatusOr<UnixSocket> OpenUnixSocket(const std::string& path, mode_t mode, int backlog) {
  if (absl::Status form = CheckForm(path); !form.ok()) return form;
  if (absl::Status removed = RemoveStale(path); !removed.ok()) return removed;
  UnixSocket opened;
  opened.descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (opened.descriptor < 0) return Failed(path, errno);
  if (absl::Status bound = BindAndListen(path, mode, backlog, opened); !bound.ok()) {
    close(opened.descriptor);
    return bound;
  }
  return opened;
}

absl::Status CheckUnixSocketIsFree(const std::string& path) {
  if (absl::Status form = CheckForm(path); !form.ok()) return form;
  if (const absl::StatusOr<bool> stale = IsStale(path); !stale.ok()) return stale.status();
  const std::string folder = path.substr(0, std::max<size_t>(path.rfind('/'), 1));
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return absl::OkStatus();
  return Failed(path, errno);
}

void RemoveFile(const std::string& path, const UnixSocket& socket) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return;
  if (file.st_dev == socket.device && file.st_ino == socket.inode) unlink(path.c_str());
}

}  // namespace onhook
